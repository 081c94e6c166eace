//! Golden tests of assertion and sections: every rule is one line, text with one span in braces and its assertion.

use coder::Coder;

/// The span in braces must have the assertion `expected`.
#[track_caller]
fn check(text: &str, expected: &str) {
    let begin = text.find('{').expect("an opening brace");
    let end = text.find('}').expect("a closing brace") - 1;
    let plain = text.replace(['{', '}'], "");
    let answer = Coder::embedded().assert_span(&plain, begin, end);
    assert_eq!(answer.assertion.as_str(), expected, "{text}");
}

/// The span in braces must stand in the section `expected`.
#[track_caller]
fn check_section(text: &str, expected: &str) {
    let begin = text.find('{').expect("an opening brace");
    let end = text.find('}').expect("a closing brace") - 1;
    let plain = text.replace(['{', '}'], "");
    let answer = Coder::embedded().assert_span(&plain, begin, end);
    assert_eq!(answer.section.as_str(), expected, "{text}");
}

#[test]
fn what_is_said_to_be_absent_is_negated() {
    check("Denies {chest pain}.", "negated");
    check("Denies fever, chills, or {cough}.", "negated");
    check("There is no evidence of {pneumonia}.", "negated");
    check("{Pneumothorax} is not seen.", "negated");
    check("{Pulmonary embolism} was ruled out.", "negated");
    check("Negative for {edema}.", "negated");
    check("Nausea: yes. {Vomiting}: no.", "negated");
    check("+nausea, -{vomiting}", "negated");
    check("Fever (-), (+) cough, (-) {rash}", "negated");
    check("She is not having {bone pain}.", "negated");
    check("Unlikely {septic arthritis}.", "negated");
    check("{Seizures} denied.", "negated");
    check("He does not have {diabetes}.", "negated");
    check("Abdomen without {guarding} or rebound.", "negated");
}

#[test]
fn negation_ends_where_something_else_begins() {
    check("No fever but has {cough}.", "present");
    check("Denies nausea. {Headache} since Monday.", "present");
    check("No chest pain; {palpitations} at night.", "present");
    check("Without fever, presents with {dyspnea}.", "present");
    check("{Chest pain}, negative troponin.", "present");
    check("No acute findings.\n{Asthma}", "present");
}

#[test]
fn what_only_looks_like_a_negation_is_none() {
    check("No change in {edema}.", "present");
    check("Not only {fever} but also chills.", "present");
    check("Gram negative {sepsis}.", "present");
    check("{Pneumonia} cannot be ruled out.", "possible");
    check("No relief of {pain}.", "present");
}

#[test]
fn what_is_suspected_is_possible() {
    check("Possible {pneumonia}.", "possible");
    check("Concern for {appendicitis}.", "possible");
    check("R/o {MI}.", "possible");
    check("{Pneumonia} suspected on chest x-ray.", "possible");
    check("{Hypoxia} likely due to pneumonia.", "present");
    check("Hypoxia likely due to {pneumonia}.", "possible");
    check("Left leg pain, ?{DVT}.", "possible");
    check("INDICATION: {Appendicitis}?", "possible");
    check("{Atelectasis} versus pneumonia.", "possible");
    check(
        "Differential diagnosis: {ischemia}, myocarditis.",
        "possible",
    );
    check("Opacity suspicious for {malignancy}.", "possible");
}

#[test]
fn what_was_is_historical() {
    check("History of {stroke}.", "historical");
    check("S/p {cholecystectomy}.", "historical");
    check("PAST MEDICAL HISTORY: {Hypertension}, gout.", "historical");
    check("PMH:\n- asthma\n- {gout}", "historical");
    check("He had an {MI} in 2008.", "historical");
    check("Possible history of {panic attacks}.", "historical");
    check("History of possible {seizure}.", "possible");
    check("{Pneumonia} five years ago.", "historical");
    check("{CVA} history.", "historical");
    check("Two week history of {cough}.", "present");
    check("HISTORY OF PRESENT ILLNESS: {Cough} for a week.", "present");
    check("{Hip fracture} status post hemiarthroplasty.", "present");
}

#[test]
fn what_relatives_have_is_family() {
    check("Mother had {breast cancer}.", "family");
    check("Family history of {colon cancer}.", "family");
    check("FAMILY HISTORY: Father: {stroke}.", "family");
    check("{Crohn's disease} in her sister.", "family");
    check("No family history of {diabetes}.", "negated");
    check(
        "Prior {stroke}, and prostate cancer in his brother.",
        "historical",
    );
}

#[test]
fn relatives_who_only_speak_do_not_have_it() {
    check("Mother reports {fever} since yesterday.", "present");
    check("Mother denies {vomiting}.", "negated");
    check("Brought in by her daughter for {confusion}.", "present");
    check("Lives with his son and has {dementia}.", "present");
}

#[test]
fn what_may_come_is_hypothetical() {
    check("Return if you develop {fever}.", "hypothetical");
    check("Should he develop {syncope} he will call.", "hypothetical");
    check("At risk for {falls}.", "hypothetical");
    check("Monitor for {bleeding}.", "hypothetical");
    check(
        "Return precautions:\n- {chest pain}\n- fainting",
        "hypothetical",
    );
    check(
        "Discussed risks including {bleeding} and infection.",
        "hypothetical",
    );
    check(
        "To prevent stroke, start apixaban for {atrial fibrillation}.",
        "present",
    );
}

#[test]
fn headings_of_every_style_open_sections() {
    check_section("PAST MEDICAL HISTORY\n\n{Gout}", "past history");
    check_section("Past Medical History:\n1. {Gout}", "past history");
    check_section("PMHx: {gout}", "past history");
    check_section("Assessment & Plan\n# {Gout}", "assessment");
    check_section("A/P: {gout}", "assessment");
    check_section("HPI: Well.\nFH: {gout}", "family history");
    check_section("Lungs clear. ASSESSMENT: {gout}", "assessment");
    check_section("**Family History**\n{gout} in mother", "family history");
    check_section("2. Review of Systems:\n{Gout}", "review of systems");
    check_section("The patient has a history of {gout}.", "");
}
