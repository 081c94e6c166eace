//! Golden tests of coding: every rule is one line, text and what the coder must say of it.

use coder::{Coder, Scratch};

/// The findings of `text` as `code assertion`, in text order, must be `expected`, separated by commas.
#[track_caller]
fn check(text: &str, expected: &str) {
    let coding = Coder::embedded().code(text, &mut Scratch::default());
    let found: Vec<String> = coding
        .findings
        .iter()
        .map(|f| match f.assertion.as_str() {
            "present" => f.code.to_owned(),
            other => format!("{} {other}", f.code),
        })
        .collect();
    assert_eq!(found.join(", "), expected, "{text}");
}

#[test]
fn terms_of_every_source_are_found() {
    check("Essential hypertension.", "I10");
    check("HTN and CHF.", "I11.0, I50.9");
    check("Abdominal pain.", "R10.9");
    check("Pain, abdominal.", "R10.9");
    check("Pain in the abdomen.", "R10.9");
    check("Community-acquired pneumonia.", "J18.9");
    check("Leg oedema.", "R60.0");
    check("Anaemia.", "D64.9");
    check("Sjögren syndrome.", "M35.00");
    check("Crohn's disease.", "K50.90");
    check("Pneumonias and headaches.", "J18.9, R51.9");
}

#[test]
fn ambiguous_abbreviations_need_their_sense() {
    check("Neurology: MS on interferon, relapsing.", "G35.D");
    check("CT angiogram showed PE in the right lung.", "I26.99");
    check("PE: lungs clear.", "");
    check("O2 saturation 98% on RA.", "");
    check("RA on methotrexate.", "M06.9");
}

#[test]
fn the_sentence_chooses_the_more_specific_code() {
    check("Type 2 diabetes mellitus with neuropathy.", "E11.40");
    check("Type 2 diabetes with diabetic polyneuropathy.", "E11.42");
    check("Type 1 diabetes mellitus with ketoacidosis.", "E10.10");
    check("Diabetic retinopathy.", "E11.319");
    check("Type 2 DM with hyperglycemia.", "E11.65");
    check("Type 2 diabetes without complications.", "E11.9");
    check("Acute on chronic systolic heart failure.", "I50.23");
    check("Acute diastolic heart failure.", "I50.31");
    check("GERD with esophagitis.", "K21.00");
    check("GERD without esophagitis.", "K21.9, K20.90 negated");
    check("COPD with acute exacerbation.", "J44.1");
    check("Pain in the left knee.", "M25.562");
    check("Right knee pain.", "M25.561");
    check("Left hip pain.", "M25.552");
    check("Osteoarthritis of the right knee.", "M17.11");
    check("Asthma exacerbation.", "J45.901");
    check(
        "Moderate persistent asthma with acute exacerbation.",
        "J45.41",
    );
    check("CKD stage 3b.", "N18.32");
    check("Chronic kidney disease, stage 4.", "N18.4");
    check("Major depressive disorder, recurrent, moderate.", "F33.1");
    check("Deep vein thrombosis of the left leg.", "I82.402");
}

#[test]
fn conditions_that_are_coded_together() {
    check(
        "Hypertension with chronic kidney disease stage 4.",
        "I12.9, N18.4",
    );
    check(
        "Hypertension. He has HTN as well as CHF and CKD stage 3.",
        "I10, I13.0, I50.9, N18.30",
    );
    check(
        "Type 2 diabetes with chronic kidney disease.",
        "E11.22, N18.9",
    );
    check("COPD and pneumonia.", "J44.0, J18.9");
}

#[test]
fn growths_are_looked_up_by_site() {
    check("Squamous cell carcinoma of the lung.", "C34.90");
    check("Breast cancer.", "C50.919");
    check("Cancer of the left breast.", "C50.912");
    check("Metastasis to the liver.", "C78.7");
    check("Liver metastases.", "C78.7");
    check("Brain metastasis.", "C79.31");
    check("Prostate cancer with bone metastases.", "C61, C79.51");
    check("Carcinoma in situ of the cervix.", "D06.9");
    check("Benign neoplasm of the colon.", "D12.6");
    check("Colon cancer. The tumor was resected.", "C18.9");
}

#[test]
fn poisonings_are_looked_up_by_drug() {
    check("Acetaminophen poisoning.", "T39.1X1A");
    check("Adverse effect of penicillin.", "T36.0X5A");
    check("Takes acetaminophen daily.", "");
}

#[test]
fn seventh_characters_are_filled() {
    check("Fracture of the left femur.", "S72.92XA");
    check("Closed fracture of the right clavicle.", "S42.001A");
    check("Left clavicle fracture, subsequent encounter.", "S42.002D");
    check("Sequela of left clavicle fracture.", "S42.002S");
    check("Ankle sprain.", "S93.409A");
}

#[test]
fn the_same_code_is_found_once_with_all_its_evidence() {
    let text = "Asthma. No fever. Asthma again.";
    let coding = Coder::embedded().code(text, &mut Scratch::default());
    let asthma = coding.findings.first().expect("asthma is found");
    assert_eq!((asthma.begin, asthma.end), (0, 6));
    assert_eq!(asthma.also, [(18, 24)]);
    check(text, "J45.909, R50.9 negated");
    check("No asthma as a child. Asthma.", "J45.909 negated, J45.909");
}

#[test]
fn only_present_leaves_are_billable() {
    let coding = Coder::embedded().code("Cough. No asthma.", &mut Scratch::default());
    let billable: Vec<_> = coding
        .findings
        .iter()
        .map(|f| (f.code, f.billable))
        .collect();
    assert_eq!(billable, [("R05.9", true), ("J45.909", false)]);
}

#[test]
fn what_the_code_book_keeps_apart_is_flagged() {
    let coding =
        Coder::embedded().code("Type 1 diabetes. Type 2 diabetes.", &mut Scratch::default());
    let pairs: Vec<_> = coding
        .conflicts
        .iter()
        .map(|c| (c.code, c.excluded))
        .collect();
    assert!(pairs.contains(&("E10.9", "E11.9")), "{pairs:?}");
    let coding = Coder::embedded().code("Gout. Asthma.", &mut Scratch::default());
    assert!(coding.conflicts.is_empty());
}

#[test]
fn instructions_of_the_code_book_are_surfaced() {
    let coding = Coder::embedded().code("Heart failure.", &mut Scratch::default());
    assert!(
        coding
            .notes
            .iter()
            .any(|n| n.kind.as_str() == "code first" && n.code == "I50.9"),
        "{:?}",
        coding.notes
    );
}
