//! Sections of a chart, known by their headings.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a part of a chart is about. Headings that are not known give [`Section::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Section {
    /// Before the first heading.
    #[default]
    None,
    /// A heading that is not known.
    Other,
    /// Chief complaint, reason for visit.
    Complaint,
    /// History of present illness, interval history, subjective.
    Present,
    /// Past medical and surgical history.
    PastHistory,
    /// Family history.
    FamilyHistory,
    /// Social history.
    SocialHistory,
    /// Review of systems.
    Systems,
    /// Allergies.
    Allergies,
    /// Medications.
    Medications,
    /// Physical examination, vital signs, objective.
    Examination,
    /// Laboratory, imaging, results.
    Results,
    /// Procedures, operations.
    Procedure,
    /// Hospital course.
    Course,
    /// Assessment, impression, diagnoses.
    Assessment,
    /// Problem list.
    Problems,
    /// Plan, recommendations.
    Plan,
    /// Instructions to the patient, return precautions, education.
    Instructions,
}

impl Section {
    /// The stable name that results use.
    pub fn as_str(self) -> &'static str {
        match self {
            Section::None => "",
            Section::Other => "other",
            Section::Complaint => "chief complaint",
            Section::Present => "present illness",
            Section::PastHistory => "past history",
            Section::FamilyHistory => "family history",
            Section::SocialHistory => "social history",
            Section::Systems => "review of systems",
            Section::Allergies => "allergies",
            Section::Medications => "medications",
            Section::Examination => "examination",
            Section::Results => "results",
            Section::Procedure => "procedure",
            Section::Course => "hospital course",
            Section::Assessment => "assessment",
            Section::Problems => "problem list",
            Section::Plan => "plan",
            Section::Instructions => "instructions",
        }
    }

    /// The section that a heading opens, if it is known. `heading` is its words in lower case, one space apart.
    pub(crate) fn of_heading(heading: &str) -> Option<Section> {
        KNOWN.get(heading).copied().flatten()
    }

    /// True if the words name a part of a section (a body system, say) that leaves the section as it is.
    pub(crate) fn is_part(heading: &str) -> bool {
        KNOWN.get(heading).is_some_and(Option::is_none)
    }
}

/// Every known heading with the section it opens; none for a part of a section.
static KNOWN: LazyLock<HashMap<&str, Option<Section>>> = LazyLock::new(|| {
    let parts = PARTS.split('|').map(|name| (name, None));
    let sections = HEADINGS
        .iter()
        .flat_map(|&(section, names)| names.split('|').map(move |name| (name, Some(section))));
    parts.chain(sections).collect()
});

/// Headings of parts that do not end the section they stand in.
const PARTS: &str = "general|constitutional|heent|eyes|ears|nose|throat|ent|neck|cardiovascular|cv|respiratory|resp|\
    lungs|chest|heart|cardiac|gastrointestinal|gi|abdomen|genitourinary|gu|musculoskeletal|msk|skin|neurological|\
    neurologic|neurology|neuro|psychiatric|psych|endocrine|hematologic|hematology|heme|extremities|back|breast|\
    breasts|pulmonary|vascular|integumentary|mouth|allergic|immunologic|lymphatic|lymph|mother|father|sister|\
    brother|maternal|paternal|siblings|children|parents|tobacco|alcohol|drugs|smoking|date|name|age|sex|mrn|\
    differential diagnosis|differential|differential diagnoses|ddx|rule out|r o|possible|probable|suspected";

/// Headings by section: words in lower case, without digits and marks; alternatives are separated by `|`.
const HEADINGS: &[(Section, &str)] = &[
    (
        Section::PastHistory,
        "past medical history|pmh|pmhx|past history|medical history|past surgical history|psh|pshx|surgical history|\
         past medical and surgical history|past medical surgical history|past medical history past surgical history|\
         prior history|previous medical history|personal history|medical hx|past medical hx|previous history|\
         background|medical background|antecedents|personal antecedents|past psychiatric history|\
         past obstetric history|obstetric history|past oncologic history|oncologic history|oncological history|\
         past cardiac history|cardiac history|hx|significant past medical history|past illnesses|prior illnesses|\
         medical and surgical history|past ocular history|ocular history|previous illnesses|past diagnoses|\
         prior surgeries|previous surgeries|past operations|past surgeries|operations|hospitalizations|\
         past hospitalizations|childhood illnesses|past medical problems|past medical conditions",
    ),
    (
        Section::FamilyHistory,
        "family history|fh|fhx|fam hx|family medical history|family hx|family history of disease|family|\
         family background|family and genetic history|family psychiatric history|famhx|family illnesses|\
         relevant family history|pertinent family history|genetic history",
    ),
    (
        Section::SocialHistory,
        "social history|sh|shx|soc hx|social|habits|social hx|personal and social history|psychosocial history|\
         substance use|occupational history|social history and habits|toxic habits|lifestyle|sexual history|\
         family and social history|social and family history",
    ),
    (
        Section::Complaint,
        "chief complaint|cc|reason for visit|reason for consultation|reason for admission|presenting complaint|\
         reason for referral|complaint|chief complaints|reason for encounter|presenting problem|indication|\
         indications|reason for exam|reason for examination|reason for study|reason for consult|complaints|\
         referring diagnosis|clinical indication|presenting complaints|reason for hospitalization",
    ),
    (
        Section::Present,
        "history of present illness|history|hpi|present illness|history of the present illness|subjective|interval history|\
         history of presenting illness|history of presenting complaint|hopi|presentation|case presentation|\
         current history|narrative|events|interim history|interval events|overnight events|clinical history|\
         patient history|history of present condition|current illness|case report|case|clinical summary|summary|\
         brief history|history and physical|current symptoms|present complaint|history of current illness",
    ),
    (
        Section::Systems,
        "review of systems|ros|systems review|system review|review of system|symptom review|symptoms|\
         pertinent positives and negatives|review of symptoms",
    ),
    (
        Section::Allergies,
        "allergies|allergy|drug allergies|allergies and intolerances|medication allergies|adverse reactions|\
         known allergies|allergies adverse reactions|allergies and adverse reactions|drug allergy",
    ),
    (
        Section::Medications,
        "medications|meds|current medications|home medications|medication list|discharge medications|medication|\
         medications on admission|admission medications|outpatient medications|drugs on admission|\
         current outpatient medications|prescriptions|medications at home|medications on discharge|\
         current meds|home meds|medications prior to admission|active medications|inpatient medications",
    ),
    (
        Section::Examination,
        "physical examination|physical exam|exam|examination|pe|objective|vital signs|vitals|vitals reviewed|\
         general appearance|on examination|neurological examination|mental status examination|mental status exam|\
         physical findings|pex|px|clinical examination|discharge exam|admission exam|general examination|\
         physical examination on admission|physical exam on admission|physical exam on discharge|\
         examination on admission|neurologic examination|neuro exam|examination findings|cardiac examination",
    ),
    (
        Section::Results,
        "results|laboratory|laboratory data|labs|lab results|laboratory results|imaging|radiology|findings|studies|\
         diagnostic studies|data|pertinent results|laboratory studies|laboratory findings|ekg|ecg|echocardiogram|\
         chest x ray|cxr|ct|mri|x ray|ultrasound|pathology|microbiology|diagnostic data|imaging studies|\
         radiology results|data reviewed|diagnostic results|laboratory tests|complementary tests|tests|\
         technique|comparison|laboratory values|diagnostics|results review|investigations|gross description|\
         microscopic description|radiographic studies|radiologic studies|imaging results|diagnostic tests",
    ),
    (
        Section::Procedure,
        "procedure|procedures|operation|procedure performed|operative procedure|operations performed|anesthesia|\
         description of procedure|procedures performed|operative findings|operative report|title of operation|\
         surgery|interventions|complications|estimated blood loss|procedure in detail",
    ),
    (
        Section::Course,
        "hospital course|brief hospital course|course|clinical course|ed course|emergency department course|\
         hospital course by problem|course in hospital|treatment|evolution|outcome|progress|follow up|followup|\
         emergency room course|outcome and follow up|postoperative course|icu course|hospital course by system",
    ),
    (
        Section::Assessment,
        "assessment|impression|diagnosis|diagnoses|assessment and plan|a p|a and p|assessment plan|impressions|\
         final diagnosis|discharge diagnosis|discharge diagnoses|admission diagnosis|admitting diagnosis|\
         primary diagnosis|secondary diagnosis|secondary diagnoses|principal diagnosis|final diagnoses|\
         impression and plan|impression plan|preoperative diagnosis|postoperative diagnosis|a|assessment a p|\
         conclusion|conclusions|clinical impression|diagnostic impression|ap|\
         medical decision making|mdm|admission diagnoses|admitting diagnoses|pre operative diagnosis|\
         post operative diagnosis|assessment and recommendations|discussion|assessment impression|\
         assessment and diagnosis|other diagnoses|additional diagnoses|clinical diagnosis|opinion|interpretation|\
         final impression|ed diagnosis|problem based assessment and plan|assessment and planning|\
         pathologic diagnosis|pathological diagnosis|diagnosis list|visit diagnoses|visit diagnosis",
    ),
    (
        Section::Problems,
        "problem list|problems|active problems|active problem list|active issues|chronic issues|current problems|\
         active diagnoses|chronic problems|active medical problems|comorbidities|chronic conditions|\
         current diagnoses|medical problems|issues|ongoing problems|chronic medical conditions",
    ),
    (
        Section::Plan,
        "plan|recommendations|recommendation|p|disposition|plan of care|treatment plan|therapeutic plan|orders|\
         plan and recommendations|management plan|plans|condition on discharge|discharge condition|\
         discharge plan|discharge disposition|next steps|management",
    ),
    (
        Section::Instructions,
        "instructions|discharge instructions|patient instructions|return precautions|patient education|\
         followup instructions|follow up instructions|precautions|counseling|instructions to patient|\
         instructions for the patient|education|anticipatory guidance|when to return|when to seek care|\
         when to seek help|reasons to return|warning signs|return instructions|advice|safety netting|\
         patient education and counseling|when to call|when to call the doctor|call your doctor if|\
         return to the emergency department if|return to er if|return to ed if|return if|risks|\
         patient counseling|discharge advice|patient advice|home care instructions|what to watch for|\
         risks and benefits|consent|informed consent|discharge precautions|strict return precautions",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_lead_to_sections() {
        for (heading, expected) in [
            ("past medical history", Some(Section::PastHistory)),
            ("assessment and plan", Some(Section::Assessment)),
            ("a p", Some(Section::Assessment)),
            ("when to seek help", Some(Section::Instructions)),
            ("fracture", None),
        ] {
            assert_eq!(Section::of_heading(heading), expected, "{heading}");
        }
    }

    #[test]
    fn every_heading_stands_once_and_is_folded() {
        let mut all: Vec<&str> = HEADINGS
            .iter()
            .flat_map(|(_, names)| names.split('|'))
            .collect();
        for name in &all {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b' '),
                "{name:?}"
            );
            assert_eq!(name.trim(), *name);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a heading stands twice");
    }
}
