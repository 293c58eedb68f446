# shellcheck shell=bash
# damage_eaf FILE: every kind of damage to the document must be told, by the schema or by check_eaf.py's own rules;
# a check that cannot fail proves nothing. Needs lib.sh.
damage_eaf() {
  local file=$1
  # corrupt schema|rules WHAT SED-SCRIPT: which check must refuse it, and the change.
  corrupt() {
    sed -E "$3" "$file" >corrupted.eaf
    check "damage changes the file: $2" bash -c "! cmp -s '$file' corrupted.eaf"
    if [ "$1" = schema ]; then
      check "the schema refuses: $2" bash -c "! xmllint --noout --schema '$here/eaf.xsd' corrupted.eaf 2>/dev/null"
    fi
    check "the rules refuse: $2" bash -c "! python3 '$here/check_eaf.py' corrupted.eaf >/dev/null 2>&1"
  }
  check "the schema takes it" xmllint --noout --schema "$here/eaf.xsd" "$file"
  corrupt schema "no date" 's/ DATE="[^"]*"//'
  corrupt schema "an invalid date" 's/ DATE="[^"]*"/ DATE="yesterday"/'
  corrupt schema "another format" 's/FORMAT="3.0"/FORMAT="2.8"/'
  corrupt schema "unknown time unit" 's/TIME_UNITS="milliseconds"/TIME_UNITS="seconds"/'
  corrupt schema "a time with a fraction" 's/TIME_VALUE="1500"/TIME_VALUE="1500.5"/'
  corrupt schema "a time before the start" 's/TIME_VALUE="0"/TIME_VALUE="-1"/'
  corrupt schema "a time slot twice" 's/TIME_SLOT_ID="ts2"/TIME_SLOT_ID="ts1"/'
  corrupt schema "a time slot that is not there" 's/TIME_SLOT_REF2="ts4"/TIME_SLOT_REF2="ts999"/'
  corrupt schema "an annotation twice" 's/ANNOTATION_ID="a2"/ANNOTATION_ID="a1"/'
  corrupt schema "an identifier with a blank" 's/ANNOTATION_ID="a1"/ANNOTATION_ID="a 1"/'
  corrupt schema "a tier twice" 's/TIER_ID="face 1"/TIER_ID="face 0"/'
  corrupt schema "a tier of no type" 's/ LINGUISTIC_TYPE_REF="expression"//'
  corrupt schema "a type that is not there" 's/LINGUISTIC_TYPE_REF="expression"/LINGUISTIC_TYPE_REF="mood"/'
  corrupt schema "a vocabulary that is not there" 's/CV_ID="labels"/CV_ID="words"/'
  corrupt schema "a language that is not there" 's/LANG_ID="und"/LANG_ID="deu"/'
  corrupt schema "an annotation without a value" 's|<ANNOTATION_VALUE>.*</ANNOTATION_VALUE>||'
  corrupt schema "neither true nor false" 's/TIME_ALIGNABLE="true"/TIME_ALIGNABLE="yes"/'
  corrupt schema "an element of its own" 's|</HEADER>|</HEADER><FACES/>|'
  corrupt schema "an attribute of its own" 's/<TIER /<TIER COLOUR="red" /'
  corrupt schema "tiers before the times" '/<TIME_ORDER>/,/<\/TIME_ORDER>/d; s|(  <LINGUISTIC_TYPE )|<TIME_ORDER></TIME_ORDER>\1|'
  corrupt schema "a truncated document" '$d'
  corrupt rules "times that do not ascend" 's/TIME_VALUE="0"/TIME_VALUE="1400"/'
  corrupt rules "a value that is not in the vocabulary" 's|<ANNOTATION_VALUE>[^<]*<|<ANNOTATION_VALUE>elated<|'
  corrupt rules "a constraint too few" '/Included_In/d'
}
