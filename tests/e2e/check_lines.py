"""check_lines.py SCHEMAS FILE [EXPR...]: every line of FILE is a JSON object that matches the schema of
its kind, and every Python expression holds. An expression sees `rows` (all), `of(kind)` and `math`."""
import json
import math
import pathlib
import sys

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}
KNOWN = {"$schema", "title", "$defs", "$ref", "type", "required", "properties", "additionalProperties", "enum",
         "minimum", "maximum", "items", "minItems", "maxItems", "dependentRequired"}


def problems(value, schema, root, where):
    """Yields what is wrong with `value`, for the part of JSON Schema that docs/schemas uses."""
    unknown = set(schema) - KNOWN
    if unknown:
        yield f"{where}: schema keyword {unknown} is not checked"
    if "$ref" in schema:
        yield from problems(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, where)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(TYPES[t](value) for t in types):
        yield f"{where}: {value!r} is not {types}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not in {schema['enum']}"
    if "minimum" in schema and value is not None and value < schema["minimum"]:
        yield f"{where}: {value} is below {schema['minimum']}"
    if "maximum" in schema and value is not None and value > schema["maximum"]:
        yield f"{where}: {value} is above {schema['maximum']}"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
            yield f"{where}: {len(value)} items"
        for i, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), root, f"{where}[{i}]")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{where}: no '{k}'" for k in schema.get("required", []) if k not in value)
        for k, needs in schema.get("dependentRequired", {}).items():
            yield from (f"{where}: '{k}' without '{n}'" for n in needs if k in value and n not in value)
        for k, item in value.items():
            if k in known:
                yield from problems(item, known[k], root, f"{where}.{k}")
            elif schema.get("additionalProperties") is False:
                yield f"{where}: unknown key '{k}'"


def refuse(word):
    raise ValueError(f"{word} is not JSON")


def main():
    folder, file, *expressions = sys.argv[1:]
    schemas = {p.stem: json.loads(p.read_text()) for p in pathlib.Path(folder).glob("*.json")}
    found = []
    rows = []
    data = pathlib.Path(file).read_bytes()
    if data and not data.endswith(b"\n"):
        found.append("the last line has no end")
    for number, line in enumerate(data.decode("utf-8").splitlines(), 1):
        try:
            row = json.loads(line, parse_constant=refuse)
        except ValueError as error:
            found.append(f"line {number}: {error}")
            continue
        rows.append(row)
        schema = schemas.get(row.get("kind"))
        if schema is None:
            found.append(f"line {number}: kind {row.get('kind')!r} has no schema")
            continue
        found += [f"line {number}: {p}" for p in problems(row, schema, schema, "$")]
        faces = row.get("faces")
        for scored in [row, *(faces if isinstance(faces, list) else [])]:
            total = sum(s["probability"] for s in scored.get("labels", []))
            if "labels" in scored and abs(total - 1) > 1e-3:
                found.append(f"line {number}: probabilities sum to {total}")
    names = {"rows": rows, "of": lambda kind: [r for r in rows if r["kind"] == kind], "math": math, "json": json,
             "pathlib": pathlib}
    for expression in expressions:
        try:
            if not eval(expression, names):  # the tests' own expressions
                found.append(f"does not hold: {expression}")
        except Exception as error:
            found.append(f"{expression}: {error!r}")
    print("\n".join(found[:10]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
