"""check_eaf.py FILE.eaf [EXPR...]: FILE follows the rules of the ELAN Annotation Format 3.0 schema (elements
in their order, required attributes, unique keys, references that resolve) and of its time line (slots
ascend, annotations of a tier do not overlap), fits eaf.xsd, and every Python expression holds. An expression sees
`tiers` ({tier id: [(from ms, to ms, value)]}) and `media` (the MEDIA_DESCRIPTOR's attributes)."""
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

ORDER = ["LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LOCALE", "LANGUAGE", "CONSTRAINT",
         "CONTROLLED_VOCABULARY", "LEXICON_REF", "REF_LINK_SET", "EXTERNAL_REF"]
# element: (required attributes, optional attributes, allowed children)
RULES = {
    "ANNOTATION_DOCUMENT": ({"AUTHOR", "DATE", "VERSION"},
                            {"FORMAT", "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"}, set(ORDER)),
    "HEADER": (set(), {"MEDIA_FILE", "TIME_UNITS"}, {"MEDIA_DESCRIPTOR", "LINKED_FILE_DESCRIPTOR", "PROPERTY"}),
    "MEDIA_DESCRIPTOR": ({"MEDIA_URL", "MIME_TYPE"}, {"RELATIVE_MEDIA_URL", "TIME_ORIGIN", "EXTRACTED_FROM"}, set()),
    "PROPERTY": (set(), {"NAME"}, set()),
    "TIME_ORDER": (set(), set(), {"TIME_SLOT"}),
    "TIME_SLOT": ({"TIME_SLOT_ID"}, {"TIME_VALUE"}, set()),
    "TIER": ({"TIER_ID", "LINGUISTIC_TYPE_REF"},
             {"PARTICIPANT", "ANNOTATOR", "DEFAULT_LOCALE", "PARENT_REF", "EXT_REF", "LANG_REF"}, {"ANNOTATION"}),
    "ANNOTATION": (set(), set(), {"ALIGNABLE_ANNOTATION", "REF_ANNOTATION"}),
    "ALIGNABLE_ANNOTATION": ({"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"},
                             {"SVG_REF", "EXT_REF", "LANG_REF", "CVE_REF"}, {"ANNOTATION_VALUE"}),
    "ANNOTATION_VALUE": (set(), set(), set()),
    "LINGUISTIC_TYPE": ({"LINGUISTIC_TYPE_ID"},
                        {"TIME_ALIGNABLE", "CONSTRAINTS", "GRAPHIC_REFERENCES", "CONTROLLED_VOCABULARY_REF", "EXT_REF",
                         "LEXICON_REF"}, set()),
    "LANGUAGE": ({"LANG_ID"}, {"LANG_DEF", "LANG_LABEL"}, set()),
    "CONSTRAINT": ({"STEREOTYPE"}, {"DESCRIPTION"}, set()),
    "CONTROLLED_VOCABULARY": ({"CV_ID"}, {"EXT_REF"}, {"DESCRIPTION", "CV_ENTRY_ML"}),
    "DESCRIPTION": ({"LANG_REF"}, set(), set()),
    "CV_ENTRY_ML": ({"CVE_ID"}, {"EXT_REF"}, {"CVE_VALUE"}),
    "CVE_VALUE": ({"LANG_REF"}, {"DESCRIPTION"}, set()),
}


def walk(element):
    assert element.tag in RULES, f"element {element.tag} is not in the schema"
    required, optional, children = RULES[element.tag]
    have = set(element.attrib)
    assert required <= have, f"{element.tag}: lacks {required - have}"
    assert have <= required | optional, f"{element.tag}: has {have - required - optional}"
    for child in element:
        assert child.tag in children, f"{child.tag} inside {element.tag}"
        walk(child)


def keys(root, path, attribute, kind=r"[A-Za-z_][\w.-]*$"):
    values = [e.get(attribute) for e in root.iterfind(path)]
    assert len(values) == len(set(values)), f"{attribute} is not unique"
    for value in values:
        assert re.match(kind, value), f"{attribute} '{value}' is no identifier"
    return set(values)


def main():
    schema = pathlib.Path(__file__).with_name("eaf.xsd")
    lint = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", schema, sys.argv[1]], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stderr
    root = ET.parse(sys.argv[1]).getroot()
    assert root.tag == "ANNOTATION_DOCUMENT" and root.get("FORMAT") == "3.0"
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)?$", root.get("DATE")), root.get("DATE")
    walk(root)
    places = [ORDER.index(child.tag) for child in root]
    assert places == sorted(places), [c.tag for c in root]
    assert len(root.findall("HEADER")) == len(root.findall("TIME_ORDER")) == 1
    assert root.find("HEADER").get("TIME_UNITS") == "milliseconds"

    slots = keys(root, "TIME_ORDER/TIME_SLOT", "TIME_SLOT_ID")
    annotations = keys(root, ".//ALIGNABLE_ANNOTATION", "ANNOTATION_ID")
    assert not slots & annotations, "identifiers are unique over the whole document"
    keys(root, "TIER", "TIER_ID", r".")
    types = keys(root, "LINGUISTIC_TYPE", "LINGUISTIC_TYPE_ID", r".")
    languages = keys(root, "LANGUAGE", "LANG_ID", r".")
    vocabularies = keys(root, "CONTROLLED_VOCABULARY", "CV_ID", r".")
    time = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iterfind("TIME_ORDER/TIME_SLOT")}
    values = list(time.values())
    assert values == sorted(values) and all(v >= 0 for v in values), "time slots ascend"
    for entry in root.iter("LINGUISTIC_TYPE"):
        assert entry.get("CONTROLLED_VOCABULARY_REF") in vocabularies | {None}
        assert entry.get("TIME_ALIGNABLE") == "true" and entry.get("CONSTRAINTS") is None
    for name in ("DESCRIPTION", "CVE_VALUE"):
        assert all(e.get("LANG_REF") in languages for e in root.iter(name)), name
    assert {c.get("STEREOTYPE") for c in root.iter("CONSTRAINT")} == {
        "Time_Subdivision", "Symbolic_Subdivision", "Symbolic_Association", "Included_In"}
    words = {v.text for v in root.iter("CVE_VALUE")}

    tiers = {}
    used = []
    for tier in root.iterfind("TIER"):
        assert tier.get("LINGUISTIC_TYPE_REF") in types
        assert tier.get("PARENT_REF") is None, "an independent tier"
        spans = []
        for a in tier.iter("ALIGNABLE_ANNOTATION"):
            refs = [a.get("TIME_SLOT_REF1"), a.get("TIME_SLOT_REF2")]
            assert all(r in time for r in refs), f"{refs}: no such time slot"
            used += refs
            text = a.find("ANNOTATION_VALUE").text
            if tier.get("LINGUISTIC_TYPE_REF") == "change":
                assert re.fullmatch(r"[+-]?\d+", text), f"'{text}' is not a change in points"
            else:
                assert text in words, f"'{text}' is not in the vocabulary"
            spans.append((time[refs[0]], time[refs[1]], text))
        assert all(a < b for a, b, _ in spans), "an annotation has a length"
        assert all(p[1] <= q[0] for p, q in zip(spans, spans[1:])), "annotations of a tier do not overlap"
        tiers[tier.get("TIER_ID")] = spans
    assert sorted(used) == sorted(slots), "every time slot is used once"
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    media = {} if media is None else media.attrib
    for expression in sys.argv[2:]:
        assert eval(expression, {"tiers": tiers, "media": media}), expression


main()
