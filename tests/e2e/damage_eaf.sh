# shellcheck shell=bash
# damage_eaf FILE: every kind of damage to the document must be told, by the schema or by check_eaf.py's own rules;
# a check that cannot fail proves nothing. Needs lib.sh.
damage_eaf() {
  local file=$1
  # spoil schema|rules WHAT SED-SCRIPT: whose business it is, and what is done.
  spoil() {
    sed -E "$3" "$file" >spoiled.eaf
    check "damage changes the file: $2" bash -c "! cmp -s '$file' spoiled.eaf"
    if [ "$1" = schema ]; then
      check "the schema tells: $2" bash -c "! xmllint --noout --schema '$here/eaf.xsd' spoiled.eaf 2>/dev/null"
    fi
    check "it is told: $2" bash -c "! python3 '$here/check_eaf.py' spoiled.eaf >/dev/null 2>&1"
  }
  check "the schema takes it" xmllint --noout --schema "$here/eaf.xsd" "$file"
  spoil schema "no date" 's/ DATE="[^"]*"//'
  spoil schema "a date that is none" 's/ DATE="[^"]*"/ DATE="yesterday"/'
  spoil schema "another format" 's/FORMAT="3.0"/FORMAT="2.8"/'
  spoil schema "unknown time unit" 's/TIME_UNITS="milliseconds"/TIME_UNITS="seconds"/'
  spoil schema "a time with a fraction" 's/TIME_VALUE="1500"/TIME_VALUE="1500.5"/'
  spoil schema "a time before the start" 's/TIME_VALUE="0"/TIME_VALUE="-1"/'
  spoil schema "a time slot twice" 's/TIME_SLOT_ID="ts2"/TIME_SLOT_ID="ts1"/'
  spoil schema "a time slot that is not there" 's/TIME_SLOT_REF2="ts4"/TIME_SLOT_REF2="ts999"/'
  spoil schema "an annotation twice" 's/ANNOTATION_ID="a2"/ANNOTATION_ID="a1"/'
  spoil schema "an identifier with a blank" 's/ANNOTATION_ID="a1"/ANNOTATION_ID="a 1"/'
  spoil schema "a tier twice" 's/TIER_ID="face 1"/TIER_ID="face 0"/'
  spoil schema "a tier of no type" 's/ LINGUISTIC_TYPE_REF="expression"//'
  spoil schema "a type that is not there" 's/LINGUISTIC_TYPE_REF="expression"/LINGUISTIC_TYPE_REF="mood"/'
  spoil schema "a vocabulary that is not there" 's/CV_ID="labels"/CV_ID="words"/'
  spoil schema "a language that is not there" 's/LANG_ID="und"/LANG_ID="deu"/'
  spoil schema "an annotation without a value" 's|<ANNOTATION_VALUE>.*</ANNOTATION_VALUE>||'
  spoil schema "neither true nor false" 's/TIME_ALIGNABLE="true"/TIME_ALIGNABLE="yes"/'
  spoil schema "an element of its own" 's|</HEADER>|</HEADER><FACES/>|'
  spoil schema "an attribute of its own" 's/<TIER /<TIER COLOUR="red" /'
  spoil schema "tiers before the times" '/<TIME_ORDER>/,/<\/TIME_ORDER>/d; s|(  <LINGUISTIC_TYPE )|<TIME_ORDER></TIME_ORDER>\1|'
  spoil schema "a truncated document" '$d'
  spoil rules "times that do not ascend" 's/TIME_VALUE="0"/TIME_VALUE="1400"/'
  spoil rules "a value that is not in the vocabulary" 's|<ANNOTATION_VALUE>[^<]*<|<ANNOTATION_VALUE>elated<|'
  spoil rules "a constraint too few" '/Included_In/d'
}
