//! Ways to say things. `{c}` stands for a condition or symptom, `{l}` for a list of them,
//! `{rel}` for a relative, `{he}`, `{He}`, `{his}`, `{His}` for the patient, `{n}` for a small number.

pub(super) const DENIES: &[&str] = &[
    "{He} denies {l}.",
    "No {l}.",
    "Denies any {l}.",
    "Negative for {l}.",
    "There is no {l}.",
    "{He} has not had {l}.",
    "Specifically no {l}.",
    "Reports no {l} at any point.",
    "Without {l}.",
    "{He} does not report {l}.",
    "Pt denies {l}.",
    "Neg {l}.",
];

pub(super) const RULED_OUT: &[&str] = &[
    "{c} was ruled out.",
    "No evidence of {c}.",
    "Low suspicion for {c}.",
    "{c} is unlikely given the findings.",
    "Findings are not consistent with {c}.",
    "Workup negative for {c}.",
    "No signs of {c} at this time.",
    "Does not meet criteria for {c}.",
    "{c} excluded by imaging and course.",
    "Doubt {c}.",
];

pub(super) const POSSIBLE: &[&str] = &[
    "Cannot exclude {c}.",
    "Possible {c}.",
    "Concern for {c}.",
    "Differential includes {c}.",
    "{c} remains on the differential.",
    "Suspect early {c}.",
    "Questionable {c}; will follow.",
    "Rule out {c}.",
    "May represent {c}.",
    "Presentation could be {c}.",
    "?{c}",
];

pub(super) const FAMILY: &[&str] = &[
    "{rel} with {c}.",
    "{c} in {his} {rel}.",
    "{His} {rel} had {c}.",
    "{rel}: {c}.",
    "Family history significant for {c} ({rel}).",
    "{rel} died of {c} at {n}.",
    "{rel} was diagnosed with {c} at age {n}.",
];

pub(super) const NO_FAMILY: &[&str] = &[
    "Noncontributory.",
    "No family history of {c}.",
    "Adopted; unknown.",
    "Negative for {c} or sudden death.",
    "Parents alive and well.",
];

pub(super) const PAST: &[&str] = &[
    "History of {c}.",
    "h/o {c}",
    "s/p {c} {n} years ago",
    "Remote {c}.",
    "Prior {c}, resolved.",
    "{c} in {y}.",
    "PMH notable for {c}.",
    "Had {c} as a younger person.",
    "Status post {c} in {y}.",
];

pub(super) const HYPOTHETICAL: &[&str] = &[
    "Return if you develop {l}.",
    "Call or come back for {l}.",
    "If {l} occurs, go to the nearest emergency department.",
    "Watch for {l}.",
    "Return precautions given, including {l}.",
    "Should {l} develop, {he} is to be seen the same day.",
    "Advised to seek care in case of {l}.",
    "Will reconsider the plan if there is {l}.",
    "Please notify the team for {l}.",
];

pub(super) const OPENINGS: &[&str] = &[
    "{age}-year-old {who} who presents with {complaint} for {days} days.",
    "This is a {age} y.o. {who} presenting with {complaint}. Onset was {days} days ago.",
    "{age}yo {sx} c/o {complaint} x {days}d.",
    "Patient is a {age} year old {who}{with} here for evaluation of {complaint}.",
    "{name} is a {age}-year-old {who}{with} with {days} days of {complaint}.",
    "{age} {sx}{with}, BIBA for {complaint}.",
    "Pleasant {age}-year-old {who} seen today because of {complaint} since {days} days.",
    "{He} was in {his} usual state of health until {days} days ago, when {he} noticed {complaint}.",
];

pub(super) const SYMPTOMS: &[&str] = &[
    "{He} describes {l}.",
    "Associated with {l}.",
    "Symptoms include {l}.",
    "Reports {l}.",
    "{He} has had {l}, gradually worsening.",
    "Since then {l}.",
    "Endorses {l}.",
    "+ {l}.",
    "The main features are {l}.",
];

pub(super) const COURSE: &[&str] = &[
    "Symptoms are worse at night.",
    "Nothing makes it better.",
    "Tried acetaminophen at home with little relief.",
    "Has never had anything like this before.",
    "A similar episode last year resolved by itself.",
    "Was seen at an urgent care two days ago and sent home.",
    "Missed work because of it.",
    "{His} partner brought {his} medications in a bag.",
    "Sick contacts at home.",
    "No recent travel.",
    "Appetite is reduced but {he} is drinking.",
    "Took an extra dose of {his} usual medication without effect.",
    "Pain is rated {n}/10 at its worst.",
    "The history is limited by fatigue; some details come from the family.",
];

pub(super) const HOME: &[&str] = &[
    "Lives with spouse, independent.",
    "Lives alone on the second floor.",
    "Walks with a cane.",
    "Moved here last spring.",
    "Two children, supportive family.",
    "Works night shifts in a warehouse.",
    "Drives a delivery van.",
    "Teaches at a primary school.",
    "Cares for a parent with dementia.",
    "Lives with a roommate; no stairs.",
    "Recently unemployed.",
    "Lives on a farm with two dogs.",
];

pub(super) const HABITS: &[&str] = &[
    "Never smoker, occasional wine.",
    "Former smoker, quit {n} years ago.",
    "Smokes half a pack a day.",
    "No alcohol or drugs.",
    "Drinks {n} beers on weekends; denies illicit drugs.",
    "Does not smoke.",
    "Vapes daily, thinking about stopping.",
    "No tobacco. Social alcohol.",
    "Sober for {n} years.",
];

pub(super) const GENERAL: &[&str] = &[
    "Well appearing, no acute distress",
    "Tired but comfortable",
    "Alert and oriented x3",
    "Mildly uncomfortable",
    "Appears stated age",
    "Frail, cooperative",
    "NAD, A&Ox3",
    "Sitting up in bed, conversant",
];

pub(super) const GENERAL_CHILD: &[&str] = &[
    "Playful, interactive",
    "Tired, consolable",
    "Clinging to the parent, alert",
    "Well hydrated, smiling",
    "Fussy but consolable",
    "Quiet, watches the examiner",
];

pub(super) const NORMAL_EXAM: &[&str] = &[
    "HEENT: normocephalic, atraumatic, PERRL",
    "Neck: supple, no lymphadenopathy",
    "CV: RRR, no murmurs",
    "Lungs: clear bilaterally, no wheezes",
    "Abd: soft, nontender, nondistended",
    "Ext: no edema, no cyanosis",
    "Skin: warm and dry, no rash",
    "Neuro: CN II-XII intact, no focal deficit",
    "MSK: full range of motion",
    "Psych: normal mood and affect",
    "Back: no CVA tenderness",
    "GU: deferred",
];

pub(super) const HOSPITAL: &[&str] = &[
    "Vital signs normalized over the first day.",
    "The patient improved steadily.",
    "Required one dose of IV opioid.",
    "Tolerated a regular diet by day {n}.",
    "Physical therapy recommended home with services.",
    "A brief episode of hypotension responded to fluids.",
    "There were no complications.",
    "Case management arranged follow-up.",
    "Pain was controlled with oral medication.",
    "Cultures remained without growth.",
    "Developed mild hypokalemia, repleted.",
    "Had an episode of delirium overnight, resolved by morning.",
];

pub(super) const FOLLOW_UP: &[&str] = &[
    "Follow up with primary care in {n} weeks.",
    "Return to clinic in {n} months.",
    "Labs before the next visit.",
    "Call with questions.",
    "Referral placed.",
    "Will discuss at the next visit.",
    "Follow-up by video in {n} weeks.",
    "Results will be sent through the portal.",
];

pub(super) const ALLERGIES: &[&str] = &[
    "NKDA",
    "Penicillin (rash)",
    "Sulfa - hives",
    "No known drug allergies",
    "Codeine: nausea",
    "Latex",
    "Shellfish (anaphylaxis)",
    "Iodinated contrast, mild itching",
];

pub(super) const SIGNATURES: &[&str] = &[
    "Electronically signed",
    "Dictated, not yet reviewed",
    "Signed by the attending of record",
    "Seen and discussed with the attending",
    "This note was prepared with templates",
    "Time spent: {n}0 minutes",
];
