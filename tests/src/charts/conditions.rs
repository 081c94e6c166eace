//! What the invented patients come with: one row for each acute problem, one for each
//! long-standing one. Plain clinical knowledge, written for this file.

/// Whom a problem can befall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fits {
    Adult,
    Child,
    Anyone,
    Woman,
    Man,
}

/// An acute problem, with what it brings along in a note.
pub(super) struct Problem {
    pub(super) name: &'static str,
    /// The same in shorter or other words.
    pub(super) short: &'static str,
    pub(super) fits: Fits,
    pub(super) complaint: &'static str,
    pub(super) symptoms: &'static [&'static str],
    /// What one asks for and does not find.
    pub(super) absent: &'static [&'static str],
    pub(super) exam: &'static [&'static str],
    pub(super) tests: &'static [&'static str],
    pub(super) plan: &'static [&'static str],
    /// What else it could have been.
    pub(super) instead: &'static [&'static str],
}

/// A long-standing problem.
pub(super) struct Chronic {
    pub(super) name: &'static str,
    pub(super) short: &'static str,
    pub(super) state: &'static str,
    pub(super) drug: &'static str,
}

macro_rules! problem {
    ($fits:ident, $name:literal, $short:literal, $complaint:literal, $symptoms:expr,
     $absent:expr, $exam:expr, $tests:expr, $plan:expr, $instead:expr) => {
        Problem {
            name: $name,
            short: $short,
            fits: Fits::$fits,
            complaint: $complaint,
            symptoms: &$symptoms,
            absent: &$absent,
            exam: &$exam,
            tests: &$tests,
            plan: &$plan,
            instead: &$instead,
        }
    };
}

pub(super) const PROBLEMS: &[Problem] = &[
    problem!(
        Anyone,
        "community-acquired pneumonia",
        "CAP",
        "cough and fever",
        [
            "productive cough",
            "fever",
            "right-sided pleuritic chest pain",
            "dyspnea on exertion",
            "chills"
        ],
        ["hemoptysis", "orthopnea", "leg swelling", "recent travel"],
        [
            "crackles at the right base",
            "dullness to percussion on the right",
            "no wheezing"
        ],
        [
            "CXR: right lower lobe consolidation",
            "WBC 15.2 with left shift",
            "lactate 1.4",
            "procalcitonin elevated"
        ],
        [
            "ceftriaxone and azithromycin",
            "repeat chest film in six weeks",
            "incentive spirometry",
            "sputum culture if productive"
        ],
        ["pulmonary embolism", "acute bronchitis", "lung abscess"]
    ),
    problem!(
        Adult,
        "acute exacerbation of COPD",
        "COPD exacerbation",
        "worsening shortness of breath",
        [
            "increased sputum",
            "wheezing",
            "shortness of breath at rest",
            "chest tightness"
        ],
        ["fever", "chest pain", "hemoptysis", "calf pain"],
        [
            "diffuse expiratory wheezes",
            "prolonged expiratory phase",
            "speaking in short sentences",
            "no cyanosis"
        ],
        ["ABG: pH 7.36, pCO2 52", "CXR without infiltrate", "BNP 88"],
        [
            "prednisone 40 mg daily for five days",
            "nebulized albuterol and ipratropium every four hours",
            "titrate oxygen to 88-92%"
        ],
        ["pneumonia", "heart failure", "pneumothorax"]
    ),
    problem!(
        Adult,
        "acute on chronic systolic heart failure",
        "decompensated HFrEF",
        "leg swelling and breathlessness",
        [
            "orthopnea",
            "paroxysmal nocturnal dyspnea",
            "weight gain of 4 kg",
            "bilateral leg swelling"
        ],
        ["chest pain", "palpitations", "syncope", "fever"],
        [
            "JVP elevated to the angle of the jaw",
            "bibasilar crackles",
            "2+ pitting edema to the knees",
            "S3 present"
        ],
        [
            "BNP 1,840",
            "troponin flat",
            "echocardiogram: EF 30%",
            "CXR: pulmonary edema"
        ],
        [
            "IV furosemide 40 mg twice daily",
            "strict intake and output",
            "daily weights",
            "hold the beta blocker dose as is"
        ],
        ["acute coronary syndrome", "nephrotic syndrome", "pneumonia"]
    ),
    problem!(
        Adult,
        "atrial fibrillation with rapid ventricular response",
        "AF with RVR",
        "palpitations",
        ["palpitations", "lightheadedness", "fatigue", "mild dyspnea"],
        [
            "chest pain",
            "syncope",
            "focal weakness",
            "heat intolerance"
        ],
        ["irregularly irregular rhythm", "no murmur", "lungs clear"],
        [
            "ECG: atrial fibrillation, rate 142",
            "TSH normal",
            "potassium 3.6"
        ],
        [
            "diltiazem infusion, then oral",
            "start apixaban",
            "echocardiogram before discharge"
        ],
        ["hyperthyroidism", "pulmonary embolism", "atrial flutter"]
    ),
    problem!(
        Adult,
        "non-ST elevation myocardial infarction",
        "NSTEMI",
        "chest pressure",
        [
            "substernal chest pressure",
            "radiation to the left arm",
            "diaphoresis",
            "nausea"
        ],
        ["syncope", "tearing back pain", "fever", "cough"],
        [
            "diaphoretic on arrival",
            "regular rate and rhythm",
            "no peripheral edema"
        ],
        [
            "troponin 0.04 then 0.61",
            "ECG: ST depression V4-V6",
            "LDL 148"
        ],
        [
            "aspirin 325 mg and heparin drip",
            "cardiology consult for catheterization",
            "high-intensity statin"
        ],
        [
            "aortic dissection",
            "pericarditis",
            "gastroesophageal reflux disease"
        ]
    ),
    problem!(
        Adult,
        "deep vein thrombosis of the left leg",
        "left leg DVT",
        "painful swollen leg",
        ["left calf pain", "leg swelling", "warmth of the calf"],
        ["chest pain", "shortness of breath", "trauma", "fever"],
        [
            "left calf 3 cm larger than the right",
            "tenderness along the deep veins",
            "pulses intact"
        ],
        [
            "duplex: occlusive thrombus in the left popliteal vein",
            "D-dimer 2,300",
            "creatinine 0.9"
        ],
        [
            "apixaban 10 mg twice daily for a week, then 5 mg",
            "compression as tolerated",
            "age-appropriate cancer screening"
        ],
        ["cellulitis", "ruptured Baker cyst", "muscle strain"]
    ),
    problem!(
        Adult,
        "acute pulmonary embolism",
        "PE",
        "sudden shortness of breath",
        [
            "sudden dyspnea",
            "pleuritic chest pain",
            "tachycardia",
            "anxiety"
        ],
        ["hemoptysis", "fever", "syncope", "leg swelling"],
        [
            "tachypneic",
            "lungs clear to auscultation",
            "no calf tenderness"
        ],
        [
            "CTPA: segmental emboli in the right lower lobe",
            "RV/LV ratio normal",
            "troponin negative"
        ],
        [
            "therapeutic anticoagulation",
            "PESI class II, candidate for early discharge",
            "hematology follow-up"
        ],
        ["pneumonia", "pneumothorax", "panic attack"]
    ),
    problem!(
        Adult,
        "acute ischemic stroke",
        "left MCA stroke",
        "sudden weakness and trouble speaking",
        [
            "right facial droop",
            "right arm weakness",
            "slurred speech",
            "word-finding difficulty"
        ],
        ["headache", "seizure activity", "head trauma", "neck pain"],
        [
            "NIHSS 7",
            "right pronator drift",
            "expressive aphasia",
            "visual fields full"
        ],
        [
            "CT head: no hemorrhage",
            "CTA: M2 occlusion",
            "glucose 118",
            "INR 1.0"
        ],
        [
            "tenecteplase given at 2 h 10 min from onset",
            "permissive hypertension",
            "swallow screen before oral intake"
        ],
        [
            "intracerebral hemorrhage",
            "hypoglycemia",
            "complicated migraine"
        ]
    ),
    problem!(
        Adult,
        "migraine without aura",
        "migraine",
        "headache",
        [
            "unilateral throbbing headache",
            "photophobia",
            "nausea",
            "vomiting"
        ],
        [
            "fever",
            "neck stiffness",
            "visual loss",
            "focal weakness",
            "head injury"
        ],
        [
            "cranial nerves intact",
            "no papilledema",
            "neck supple",
            "gait normal"
        ],
        ["no imaging indicated", "pregnancy test negative"],
        [
            "IV metoclopramide and fluids",
            "sumatriptan for home",
            "headache diary"
        ],
        [
            "subarachnoid hemorrhage",
            "meningitis",
            "tension-type headache"
        ]
    ),
    problem!(
        Anyone,
        "breakthrough seizure",
        "seizure",
        "seizure",
        [
            "generalized shaking for two minutes",
            "postictal confusion",
            "tongue biting"
        ],
        [
            "fever",
            "head injury",
            "alcohol withdrawal",
            "urinary incontinence"
        ],
        [
            "drowsy but arousable",
            "moves all four limbs",
            "lateral tongue abrasion"
        ],
        [
            "levetiracetam level low",
            "CT head without acute findings",
            "sodium 139"
        ],
        [
            "levetiracetam load",
            "seizure precautions",
            "no driving for six months"
        ],
        ["syncope", "psychogenic nonepileptic event", "hyponatremia"]
    ),
    problem!(
        Woman,
        "acute cystitis",
        "uncomplicated UTI",
        "burning with urination",
        [
            "dysuria",
            "urinary frequency",
            "urgency",
            "suprapubic discomfort"
        ],
        ["flank pain", "fever", "vaginal discharge", "hematuria"],
        ["suprapubic tenderness", "no CVA tenderness", "afebrile"],
        [
            "urinalysis: leukocyte esterase positive, nitrite positive",
            "urine culture pending",
            "hCG negative"
        ],
        [
            "nitrofurantoin for five days",
            "increase fluids",
            "culture result by phone"
        ],
        ["pyelonephritis", "vaginitis", "urethritis"]
    ),
    problem!(
        Adult,
        "acute pyelonephritis",
        "pyelo",
        "flank pain and fever",
        ["right flank pain", "fever", "rigors", "dysuria", "nausea"],
        ["hematuria", "vaginal bleeding", "diarrhea"],
        ["right CVA tenderness", "febrile to 39.1", "abdomen soft"],
        [
            "urine WBC >100",
            "renal ultrasound without hydronephrosis",
            "creatinine 1.1"
        ],
        [
            "ceftriaxone IV then oral step-down by culture",
            "antiemetics",
            "IV fluids"
        ],
        ["nephrolithiasis", "appendicitis", "renal abscess"]
    ),
    problem!(
        Adult,
        "left ureteral calculus",
        "kidney stone",
        "severe flank pain",
        [
            "colicky left flank pain",
            "radiation to the groin",
            "nausea",
            "gross hematuria"
        ],
        ["fever", "dysuria", "testicular pain", "anuria"],
        [
            "writhing on the stretcher",
            "left CVA tenderness",
            "abdomen without peritoneal signs"
        ],
        [
            "CT: 5 mm stone at the left ureterovesical junction",
            "UA with blood",
            "creatinine 1.0"
        ],
        [
            "ketorolac",
            "tamsulosin",
            "strain urine",
            "urology in two weeks"
        ],
        [
            "abdominal aortic aneurysm",
            "pyelonephritis",
            "diverticulitis"
        ]
    ),
    problem!(
        Adult,
        "acute kidney injury",
        "AKI",
        "abnormal labs",
        [
            "reduced urine output",
            "poor oral intake",
            "dizziness on standing"
        ],
        ["hematuria", "flank pain", "rash", "dyspnea"],
        ["dry mucous membranes", "no edema", "bladder not distended"],
        [
            "creatinine 2.9 from a baseline of 1.1",
            "FENa 0.4%",
            "renal ultrasound normal"
        ],
        [
            "isotonic fluids",
            "hold lisinopril and NSAIDs",
            "recheck BMP in the morning"
        ],
        [
            "obstructive uropathy",
            "acute interstitial nephritis",
            "glomerulonephritis"
        ]
    ),
    problem!(
        Adult,
        "diabetic ketoacidosis",
        "DKA",
        "vomiting and high sugars",
        [
            "polyuria",
            "polydipsia",
            "vomiting",
            "abdominal pain",
            "fatigue"
        ],
        ["fever", "cough", "dysuria", "chest pain"],
        [
            "Kussmaul respirations",
            "dry mucous membranes",
            "diffuse mild abdominal tenderness"
        ],
        [
            "glucose 486",
            "anion gap 24",
            "beta-hydroxybutyrate 5.8",
            "pH 7.18"
        ],
        [
            "insulin drip by protocol",
            "potassium replacement",
            "endocrinology consult"
        ],
        ["sepsis", "acute pancreatitis", "alcoholic ketoacidosis"]
    ),
    problem!(
        Adult,
        "cellulitis of the right lower leg",
        "RLE cellulitis",
        "red painful leg",
        ["redness of the right shin", "warmth", "pain with walking"],
        ["fever", "purulent drainage", "trauma", "calf pain"],
        [
            "12 cm area of erythema with ill-defined borders",
            "no fluctuance",
            "no crepitus"
        ],
        ["WBC 11.8", "blood cultures not indicated"],
        [
            "cephalexin for seven days",
            "outline the border and recheck in 48 hours",
            "elevate the leg"
        ],
        [
            "deep vein thrombosis",
            "necrotizing fasciitis",
            "stasis dermatitis"
        ]
    ),
    problem!(
        Adult,
        "acute diverticulitis",
        "sigmoid diverticulitis",
        "left lower abdominal pain",
        [
            "left lower quadrant pain",
            "low-grade fever",
            "constipation",
            "bloating"
        ],
        ["rectal bleeding", "vomiting", "dysuria"],
        [
            "LLQ tenderness without rebound",
            "bowel sounds present",
            "no masses"
        ],
        ["CT: sigmoid wall thickening without abscess", "WBC 13.1"],
        [
            "clear liquids, advance as tolerated",
            "amoxicillin-clavulanate",
            "colonoscopy in eight weeks"
        ],
        ["colon cancer", "ischemic colitis", "ovarian torsion"]
    ),
    problem!(
        Anyone,
        "acute appendicitis",
        "appendicitis",
        "abdominal pain",
        [
            "periumbilical pain moving to the right lower quadrant",
            "anorexia",
            "nausea",
            "low-grade fever"
        ],
        ["diarrhea", "dysuria", "cough", "prior surgery"],
        [
            "McBurney point tenderness",
            "positive Rovsing sign",
            "no rigidity"
        ],
        ["CT: dilated appendix 11 mm with fat stranding", "WBC 14.0"],
        [
            "NPO and IV fluids",
            "cefoxitin",
            "laparoscopic appendectomy today"
        ],
        ["mesenteric adenitis", "ovarian cyst", "Crohn disease"]
    ),
    problem!(
        Adult,
        "acute cholecystitis",
        "cholecystitis",
        "right upper abdominal pain",
        [
            "right upper quadrant pain after meals",
            "nausea",
            "fever",
            "vomiting"
        ],
        ["jaundice", "dark urine", "chest pain"],
        [
            "positive Murphy sign",
            "no scleral icterus",
            "voluntary guarding"
        ],
        [
            "ultrasound: gallstones, wall 6 mm, pericholecystic fluid",
            "bilirubin 0.9",
            "lipase normal"
        ],
        [
            "piperacillin-tazobactam",
            "surgery consult for cholecystectomy",
            "NPO"
        ],
        ["choledocholithiasis", "peptic ulcer disease", "hepatitis"]
    ),
    problem!(
        Adult,
        "acute pancreatitis",
        "pancreatitis",
        "epigastric pain",
        [
            "epigastric pain radiating to the back",
            "vomiting",
            "anorexia"
        ],
        ["jaundice", "melena", "fever"],
        [
            "epigastric tenderness",
            "decreased bowel sounds",
            "no Grey Turner sign"
        ],
        [
            "lipase 2,140",
            "triglycerides 210",
            "ultrasound without gallstones"
        ],
        [
            "lactated Ringer",
            "early oral feeding",
            "pain control",
            "alcohol counseling"
        ],
        ["perforated ulcer", "cholangitis", "myocardial infarction"]
    ),
    problem!(
        Adult,
        "upper gastrointestinal bleeding",
        "UGIB",
        "black stools",
        ["melena for two days", "lightheadedness", "fatigue"],
        ["hematemesis", "abdominal pain", "syncope", "weight loss"],
        [
            "pale conjunctivae",
            "abdomen nontender",
            "stool black and guaiac positive"
        ],
        ["hemoglobin 7.9", "BUN 42", "INR 1.1"],
        [
            "pantoprazole IV",
            "transfuse to hemoglobin above 7",
            "EGD within 24 hours"
        ],
        ["esophageal varices", "gastric cancer", "Mallory-Weiss tear"]
    ),
    problem!(
        Anyone,
        "viral gastroenteritis",
        "gastroenteritis",
        "vomiting and diarrhea",
        [
            "watery diarrhea",
            "vomiting",
            "crampy abdominal pain",
            "low-grade fever"
        ],
        ["bloody stools", "recent antibiotics", "travel", "dysuria"],
        [
            "mildly dry mucous membranes",
            "abdomen soft and nontender",
            "capillary refill under two seconds"
        ],
        [
            "no laboratory testing needed",
            "tolerated an oral challenge"
        ],
        [
            "oral rehydration",
            "ondansetron as needed",
            "return to school or work after 24 hours without symptoms"
        ],
        [
            "Clostridioides difficile infection",
            "appendicitis",
            "food poisoning"
        ]
    ),
    problem!(
        Adult,
        "iron deficiency anemia",
        "IDA",
        "fatigue",
        [
            "fatigue",
            "exertional dyspnea",
            "craving for ice",
            "hair thinning"
        ],
        ["melena", "hematochezia", "chest pain", "weight loss"],
        ["pale conjunctivae", "flow murmur", "no splenomegaly"],
        [
            "hemoglobin 8.6, MCV 71",
            "ferritin 4",
            "celiac serology negative"
        ],
        [
            "ferrous sulfate every other day",
            "GI referral for bidirectional endoscopy",
            "repeat CBC in eight weeks"
        ],
        [
            "beta thalassemia trait",
            "anemia of chronic disease",
            "celiac disease"
        ]
    ),
    problem!(
        Adult,
        "lumbar radiculopathy",
        "sciatica",
        "back pain",
        [
            "low back pain",
            "radiation down the left leg",
            "numbness of the lateral foot"
        ],
        [
            "saddle anesthesia",
            "bowel or bladder incontinence",
            "fever",
            "weight loss"
        ],
        [
            "positive straight leg raise on the left",
            "strength 5/5",
            "ankle reflex reduced on the left"
        ],
        [
            "MRI: L5-S1 disc herniation contacting the S1 root",
            "no red flags"
        ],
        [
            "naproxen with food",
            "physical therapy",
            "epidural injection if no better in six weeks"
        ],
        [
            "cauda equina syndrome",
            "spinal epidural abscess",
            "hip osteoarthritis"
        ]
    ),
    problem!(
        Anyone,
        "sprain of the right ankle",
        "ankle sprain",
        "twisted ankle",
        [
            "lateral ankle pain",
            "swelling",
            "difficulty bearing weight"
        ],
        ["knee pain", "numbness", "prior fracture"],
        [
            "tenderness over the anterior talofibular ligament",
            "no malleolar tenderness",
            "pulses 2+"
        ],
        ["x-ray: no fracture", "Ottawa rules negative for the foot"],
        [
            "rest, ice, compression, elevation",
            "lace-up brace",
            "return to sport by symptoms"
        ],
        ["fibular fracture", "syndesmotic injury", "Achilles rupture"]
    ),
    problem!(
        Anyone,
        "closed fracture of the left distal radius",
        "distal radius fracture",
        "wrist pain after a fall",
        ["left wrist pain", "deformity", "swelling"],
        ["elbow pain", "head injury", "numbness of the fingers"],
        [
            "dorsal angulation",
            "skin intact",
            "median nerve function preserved"
        ],
        ["x-ray: distal radius fracture with 15 degrees of dorsal tilt"],
        [
            "hematoma block and closed reduction",
            "sugar-tong splint",
            "orthopedics in one week"
        ],
        ["scaphoid fracture", "wrist sprain", "Galeazzi fracture"]
    ),
    problem!(
        Adult,
        "displaced fracture of the right femoral neck",
        "right hip fracture",
        "hip pain after a fall",
        ["right hip pain", "inability to walk", "groin pain"],
        [
            "loss of consciousness",
            "chest pain before the fall",
            "neck pain"
        ],
        [
            "right leg shortened and externally rotated",
            "distal pulses intact",
            "no skin breakdown"
        ],
        [
            "x-ray: displaced femoral neck fracture",
            "hemoglobin 11.0",
            "ECG sinus rhythm"
        ],
        [
            "fascia iliaca block",
            "hemiarthroplasty in the morning",
            "DVT prophylaxis",
            "start osteoporosis treatment later"
        ],
        [
            "pelvic ring fracture",
            "pathologic fracture",
            "hip dislocation"
        ]
    ),
    problem!(
        Adult,
        "acute gout of the right great toe",
        "gout flare",
        "swollen toe",
        ["exquisite toe pain", "redness", "swelling overnight"],
        ["fever", "trauma", "other joint pain"],
        ["first MTP joint red, hot and tender", "no tophi"],
        [
            "uric acid 9.4",
            "joint fluid: negatively birefringent crystals"
        ],
        [
            "colchicine 1.2 mg then 0.6 mg",
            "avoid diuretics if possible",
            "allopurinol after the flare"
        ],
        ["septic arthritis", "cellulitis", "pseudogout"]
    ),
    problem!(
        Anyone,
        "acute asthma exacerbation",
        "asthma flare",
        "wheezing",
        ["wheezing", "chest tightness", "nocturnal cough"],
        ["fever", "foreign body aspiration", "chest pain"],
        [
            "bilateral expiratory wheeze",
            "mild subcostal retractions",
            "oxygen saturation 93%"
        ],
        ["peak flow 55% of personal best", "no chest film needed"],
        [
            "albuterol by spacer every 20 minutes x3",
            "dexamethasone",
            "asthma action plan reviewed"
        ],
        ["pneumonia", "vocal cord dysfunction", "anaphylaxis"]
    ),
    problem!(
        Anyone,
        "viral upper respiratory infection",
        "URI",
        "runny nose and cough",
        ["rhinorrhea", "sore throat", "dry cough", "congestion"],
        ["shortness of breath", "ear pain", "sinus pressure", "rash"],
        [
            "pharynx mildly erythematous without exudate",
            "lungs clear",
            "no cervical adenopathy"
        ],
        ["rapid strep negative", "SARS-CoV-2 antigen negative"],
        ["supportive care", "honey for cough", "no antibiotics today"],
        [
            "influenza",
            "streptococcal pharyngitis",
            "allergic rhinitis"
        ]
    ),
    problem!(
        Child,
        "acute otitis media of the left ear",
        "left AOM",
        "ear pain",
        ["left ear pain", "fever", "irritability", "poor sleep"],
        ["ear drainage", "vomiting", "rash", "neck stiffness"],
        [
            "left tympanic membrane bulging and opaque",
            "right ear normal",
            "no mastoid tenderness"
        ],
        ["tympanogram flat on the left"],
        [
            "high-dose amoxicillin for ten days",
            "ibuprofen by weight",
            "ear check if not better in three days"
        ],
        ["otitis externa", "teething", "mastoiditis"]
    ),
    problem!(
        Child,
        "croup",
        "laryngotracheitis",
        "barking cough",
        [
            "barking cough",
            "hoarse voice",
            "stridor at night",
            "low-grade fever"
        ],
        ["drooling", "choking episode", "cyanosis"],
        ["no stridor at rest", "no retractions", "well hydrated"],
        ["Westley score 2", "no imaging"],
        [
            "single dose of dexamethasone",
            "cool night air",
            "observation for two hours"
        ],
        ["epiglottitis", "foreign body", "bacterial tracheitis"]
    ),
    problem!(
        Child,
        "bronchiolitis",
        "RSV bronchiolitis",
        "trouble breathing",
        ["rhinorrhea", "cough", "reduced feeding", "fast breathing"],
        ["apnea", "cyanosis", "fever above 39", "vomiting"],
        [
            "diffuse fine crackles and wheeze",
            "mild nasal flaring",
            "fontanelle flat"
        ],
        ["RSV positive", "oxygen saturation 95% on room air"],
        [
            "nasal suction before feeds",
            "no bronchodilator",
            "recheck tomorrow"
        ],
        ["pneumonia", "congenital heart disease", "pertussis"]
    ),
    problem!(
        Adult,
        "major depressive disorder, recurrent, moderate",
        "MDD",
        "low mood",
        [
            "low mood",
            "anhedonia",
            "early morning waking",
            "poor concentration",
            "guilt"
        ],
        [
            "suicidal ideation",
            "homicidal ideation",
            "hallucinations",
            "mania"
        ],
        [
            "affect constricted",
            "speech soft and slow",
            "thought process linear",
            "insight fair"
        ],
        ["PHQ-9 16", "TSH normal"],
        [
            "increase sertraline to 100 mg",
            "weekly psychotherapy",
            "safety plan reviewed"
        ],
        ["bipolar disorder", "hypothyroidism", "adjustment disorder"]
    ),
    problem!(
        Adult,
        "generalized anxiety disorder",
        "GAD",
        "worry and poor sleep",
        [
            "excessive worry",
            "muscle tension",
            "insomnia",
            "restlessness"
        ],
        [
            "panic attacks",
            "suicidal ideation",
            "weight loss",
            "substance use"
        ],
        [
            "mood anxious",
            "affect full range",
            "no psychomotor agitation"
        ],
        ["GAD-7 15", "urine drug screen negative"],
        [
            "start escitalopram 5 mg",
            "cognitive behavioral therapy referral",
            "sleep hygiene"
        ],
        [
            "hyperthyroidism",
            "panic disorder",
            "post-traumatic stress disorder"
        ]
    ),
    problem!(
        Adult,
        "alcohol withdrawal",
        "EtOH withdrawal",
        "tremor and sweating",
        ["tremor", "sweating", "nausea", "insomnia"],
        ["seizure", "hallucinations", "head injury", "chest pain"],
        [
            "coarse tremor of outstretched hands",
            "tachycardic",
            "oriented to person, place and time"
        ],
        ["CIWA 14", "magnesium 1.4", "ethanol undetectable"],
        [
            "symptom-triggered lorazepam",
            "thiamine before glucose",
            "addiction medicine consult"
        ],
        ["sepsis", "delirium tremens", "thyroid storm"]
    ),
    problem!(
        Adult,
        "benign paroxysmal positional vertigo",
        "BPPV",
        "dizziness",
        [
            "brief spinning when rolling over in bed",
            "nausea",
            "unsteadiness"
        ],
        [
            "hearing loss",
            "tinnitus",
            "diplopia",
            "headache",
            "weakness"
        ],
        [
            "Dix-Hallpike positive on the right",
            "gait steady",
            "no dysmetria"
        ],
        ["no imaging indicated", "orthostatics negative"],
        [
            "Epley maneuver performed with relief",
            "vestibular exercises",
            "fall precautions"
        ],
        [
            "vestibular neuritis",
            "cerebellar stroke",
            "Meniere disease"
        ]
    ),
    problem!(
        Adult,
        "hyponatremia",
        "low sodium",
        "confusion",
        ["confusion", "nausea", "unsteady gait"],
        ["seizure", "headache", "vomiting", "fall"],
        ["euvolemic", "oriented to person only", "no focal deficits"],
        [
            "sodium 119",
            "urine osmolality 480",
            "TSH and cortisol normal"
        ],
        [
            "stop hydrochlorothiazide",
            "fluid restriction",
            "sodium every four hours, no faster than 8 in a day"
        ],
        ["SIADH", "adrenal insufficiency", "urinary tract infection"]
    ),
    problem!(
        Man,
        "benign prostatic hyperplasia with urinary retention",
        "BPH with retention",
        "unable to urinate",
        [
            "inability to void",
            "lower abdominal fullness",
            "weak stream for months"
        ],
        ["fever", "back pain", "hematuria", "leg weakness"],
        [
            "palpable bladder",
            "prostate enlarged and smooth",
            "rectal tone normal"
        ],
        ["bladder scan 780 mL", "creatinine 1.3", "UA clean"],
        ["Foley catheter", "tamsulosin", "voiding trial in one week"],
        [
            "prostate cancer",
            "urethral stricture",
            "cauda equina syndrome"
        ]
    ),
];

pub(super) const OBSTETRIC: &[Problem] = &[
    problem!(
        Woman,
        "gestational diabetes mellitus",
        "GDM",
        "glucose follow-up",
        ["fasting sugars above target", "fatigue"],
        [
            "vaginal bleeding",
            "leakage of fluid",
            "contractions",
            "decreased fetal movement"
        ],
        [
            "fundal height appropriate for dates",
            "fetal heart rate 144",
            "no edema"
        ],
        [
            "3-hour glucose tolerance test with two values elevated",
            "growth scan at the 61st percentile"
        ],
        [
            "nutrition visit",
            "glucose log four times a day",
            "metformin or insulin if targets are missed"
        ],
        ["type 2 diabetes", "polyhydramnios"]
    ),
    problem!(
        Woman,
        "preeclampsia",
        "PreE",
        "high blood pressure in pregnancy",
        ["headache since yesterday", "swelling of the hands"],
        [
            "visual changes",
            "right upper quadrant pain",
            "vaginal bleeding",
            "contractions"
        ],
        [
            "blood pressure 152/96 twice",
            "reflexes 2+ without clonus",
            "fetal heart tracing category I"
        ],
        [
            "protein/creatinine ratio 0.6",
            "platelets 188",
            "AST and ALT normal"
        ],
        [
            "labetalol if severe range",
            "twice-weekly testing",
            "delivery at 37 weeks"
        ],
        ["gestational hypertension", "HELLP syndrome", "migraine"]
    ),
    problem!(
        Woman,
        "hyperemesis gravidarum",
        "hyperemesis",
        "vomiting in pregnancy",
        [
            "vomiting six times a day",
            "weight loss of 3 kg",
            "dizziness"
        ],
        ["abdominal pain", "vaginal bleeding", "fever", "dysuria"],
        [
            "dry mucous membranes",
            "uterus appropriate for dates",
            "abdomen soft"
        ],
        [
            "ketones 3+",
            "potassium 3.2",
            "viable intrauterine pregnancy on ultrasound"
        ],
        [
            "IV fluids with thiamine",
            "doxylamine-pyridoxine",
            "ondansetron if refractory"
        ],
        ["molar pregnancy", "gastroenteritis", "hyperthyroidism"]
    ),
    problem!(
        Woman,
        "threatened preterm labor",
        "preterm contractions",
        "contractions",
        [
            "contractions every eight minutes",
            "pelvic pressure",
            "low back pain"
        ],
        ["leakage of fluid", "vaginal bleeding", "dysuria", "trauma"],
        [
            "cervix closed and long",
            "fetal heart rate 150 with accelerations",
            "no pooling"
        ],
        [
            "fetal fibronectin negative",
            "urinalysis clean",
            "cervical length 34 mm"
        ],
        [
            "hydration and observation",
            "betamethasone if cervical change",
            "pelvic rest"
        ],
        [
            "placental abruption",
            "urinary tract infection",
            "chorioamnionitis"
        ]
    ),
];

macro_rules! chronic {
    ($($name:literal, $short:literal, $state:literal, $drug:literal;)*) => {
        &[$(Chronic { name: $name, short: $short, state: $state, drug: $drug }),*]
    };
}

pub(super) const CHRONIC: &[Chronic] = chronic! {
    "essential hypertension", "HTN", "at goal on current therapy", "lisinopril 20 mg daily";
    "type 2 diabetes mellitus", "T2DM", "A1c 8.1%, not at goal", "metformin 1,000 mg BID";
    "type 2 diabetes mellitus with diabetic neuropathy", "DM2 w/ neuropathy", "burning feet at night", "gabapentin 300 mg TID";
    "hyperlipidemia", "HLD", "LDL 92 on statin", "atorvastatin 40 mg nightly";
    "hypothyroidism", "hypothyroidism", "TSH 2.1, stable", "levothyroxine 88 mcg daily";
    "chronic obstructive pulmonary disease", "COPD", "two exacerbations last year", "tiotropium 18 mcg inhaled daily";
    "coronary artery disease", "CAD", "no angina since stenting", "aspirin 81 mg daily";
    "chronic kidney disease, stage 3a", "CKD 3a", "creatinine stable at 1.4", "losartan 50 mg daily";
    "paroxysmal atrial fibrillation", "pAF", "rate controlled, anticoagulated", "apixaban 5 mg BID";
    "gastroesophageal reflux disease", "GERD", "controlled with diet", "omeprazole 20 mg daily";
    "obstructive sleep apnea", "OSA", "uses CPAP most nights", "CPAP at 9 cm";
    "osteoarthritis of both knees", "knee OA", "limits stairs", "acetaminophen 650 mg PRN";
    "rheumatoid arthritis", "RA", "low disease activity", "methotrexate 15 mg weekly";
    "obesity", "BMI 34", "working with nutrition", "no medication";
    "osteoporosis", "osteoporosis", "DXA T-score -2.8", "alendronate 70 mg weekly";
    "asthma", "asthma", "rescue inhaler twice a month", "fluticasone 110 mcg BID";
    "chronic migraine", "migraines", "four headache days a month", "topiramate 50 mg BID";
    "depression", "depression", "in remission", "sertraline 50 mg daily";
    "anxiety", "anxiety", "stable", "buspirone 10 mg BID";
    "peripheral arterial disease", "PAD", "claudication at three blocks", "cilostazol 100 mg BID";
    "chronic systolic heart failure", "HFrEF", "NYHA class II", "carvedilol 12.5 mg BID";
    "benign prostatic hyperplasia", "BPH", "nocturia x2", "finasteride 5 mg daily";
    "psoriasis", "psoriasis", "plaques on the elbows", "topical clobetasol";
    "epilepsy", "seizure disorder", "seizure free for three years", "levetiracetam 750 mg BID";
    "Parkinson disease", "PD", "mild resting tremor", "carbidopa-levodopa 25/100 TID";
    "cirrhosis of the liver", "cirrhosis", "compensated, no ascites", "nadolol 20 mg daily";
    "chronic hepatitis C", "HCV", "treated, sustained response", "no medication";
    "glaucoma", "glaucoma", "pressures in range", "latanoprost eye drops";
    "vitamin D deficiency", "low vitamin D", "level 17", "cholecalciferol 2,000 IU daily";
    "allergic rhinitis", "hay fever", "seasonal", "loratadine 10 mg PRN";
    "tobacco use disorder", "smoker, 1 ppd", "not ready to quit", "nicotine patch offered";
    "chronic low back pain", "chronic LBP", "no red flags", "duloxetine 30 mg daily";
};

/// What families have.
pub(super) const FAMILY: &[&str] = &[
    "breast cancer",
    "colon cancer",
    "coronary artery disease",
    "myocardial infarction",
    "stroke",
    "type 2 diabetes",
    "hypertension",
    "Alzheimer disease",
    "bipolar disorder",
    "asthma",
    "rheumatoid arthritis",
    "ovarian cancer",
    "prostate cancer",
    "hypothyroidism",
    "chronic kidney disease",
    "schizophrenia",
    "factor V Leiden",
    "glaucoma",
    "melanoma",
    "gout",
];

/// What lies behind people.
pub(super) const PAST: &[&str] = &[
    "appendicitis",
    "cholecystitis",
    "breast cancer",
    "pulmonary embolism",
    "deep vein thrombosis",
    "kidney stones",
    "pneumonia",
    "a left wrist fracture",
    "transient ischemic attack",
    "peptic ulcer disease",
    "melanoma of the back",
    "shingles",
    "COVID-19",
    "a concussion",
    "postpartum depression",
    "alcohol use disorder",
    "diverticulitis",
    "gestational diabetes",
    "thyroid cancer",
    "rheumatic fever",
    "hepatitis A",
    "tuberculosis, treated",
];

pub(super) const SURGERIES: &[&str] = &[
    "appendectomy",
    "laparoscopic cholecystectomy",
    "right knee replacement",
    "tonsillectomy",
    "cataract surgery",
    "inguinal hernia repair",
    "lumbar discectomy",
    "coronary stenting",
    "carpal tunnel release",
    "thyroidectomy",
    "skin graft",
    "rotator cuff repair",
];
