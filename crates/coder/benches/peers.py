"""Runs one peer over {"text": …} lines and prints its cost: peers.py phrasematcher|negspacy|medspacy NOTES.jsonl

All get the same lexicon: descriptions and inclusion terms of the tabular list and the Disease Ontology's synonyms.
Times are user and system CPU of this process; slow peers get the first notes only (the number is printed).
"""
import gzip
import json
import pathlib
import resource
import sys
import xml.etree.ElementTree as tree

SOURCES = pathlib.Path(__file__).parent.parent / "data" / "sources"
FIRST = {"phrasematcher": 1000, "negspacy": 200, "medspacy": 30}


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def lexicon():
    terms = {}
    with gzip.open(SOURCES / "doid_icd10cm.json.gz") as file:
        for term, code in json.load(file)["synonym_to_icd10cm"].items():
            terms[term.lower()] = code
    with gzip.open(SOURCES / "tabular-2026-04.xml.gz") as file:
        for diag in tree.parse(file).iter("diag"):
            code = diag.findtext("name")
            notes = [n.text or "" for n in diag.findall("inclusionTerm/note")]
            for term in [diag.findtext("desc"), *notes]:
                terms.setdefault(term.lower().replace(", unspecified", ""), code)
    return {t: c for t, c in terms.items() if len(t) >= 4 and len(t.split()) <= 12}


def phrasematcher(terms):
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("term", list(nlp.tokenizer.pipe(terms)))
    return lambda text: len(matcher(nlp.make_doc(text)))


def negspacy(terms):
    import spacy
    from negspacy.negation import Negex  # noqa: F401
    from negspacy.termsets import termset

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "TERM", "pattern": t} for t in terms])
    nlp.add_pipe("negex", config={"neg_termset": termset("en_clinical").get_patterns()})
    return lambda text: len(nlp(text).ents)


def medspacy(terms):
    import medspacy as package
    from medspacy.target_matcher import TargetRule

    parts = {"medspacy_pyrush", "medspacy_target_matcher", "medspacy_context", "medspacy_sectionizer"}
    nlp = package.load(medspacy_enable=parts)
    nlp.get_pipe("medspacy_target_matcher").add([TargetRule(t, c) for t, c in terms.items()])
    return lambda text: len(nlp(text).ents)


def main():
    peer, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file][: FIRST[peer]]
    run = globals()[peer](lexicon())
    run(texts[0])
    ready = cpu()
    found = sum(run(text) for text in texts)
    seconds = cpu() - ready
    size = sum(len(text.encode()) for text in texts)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"{peer}: {size / 1e6 / seconds:.3f} MB/s of CPU, {len(texts) / seconds:.0f} charts/s "
        f"({len(texts)} charts, {found} mentions), start-up {ready:.1f} s, peak memory {memory:.0f} MB",
        flush=True,
    )


main()
