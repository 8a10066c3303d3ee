#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Code, man page and JSON Schema agree: schema.py CTL PRINT_FIELDS SOURCE_ROOT

The code is here in three forms: the field tables of the reports, the calls that make JSON, and
what the verbs print in the golden files. Each key of both must stand in the schema, with its type, and in the man
page; and the schema and the man page have no key that the code does not print.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    jsonschema = None

ctl, print_fields, root = sys.argv[1:4]
SCHEMA = 'ctl/softofflinectl.schema.json'
PAGE = 'man/softofflinectl.1'
# Where the rows of each field table stand in the schema.
TABLES = {
    'status': 'status',
    'node': 'status/properties/nodes/items',
    'page': 'pages/items',
    'history': 'history/items',
    'outlook': 'show/properties/outlook/anyOf/0',
    'ce': 'show/properties/errors/items',
    'dimm': 'dimms/items',
    'notice': 'monitor',
}
# Verbs whose JSON cannot stand in a golden file, and why.
ELSEWHERE = {'monitor': 'it does not end'}
# What this test understands of JSON Schema; the file uses no more.
KEYWORDS = {'$ref', 'description', 'type', 'required', 'properties', 'items', 'anyOf', 'enum',
            'const', 'pattern', 'minimum'}
TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'integer': int,
         'number': (int, float), 'null': type(None)}
findings = []
seen = set()  # properties of the schema, by identity, that some output has


def expect(condition, text):
    if not condition and text not in findings:
        findings.append(text)


def read(path):
    with open(os.path.join(root, path), encoding='utf-8') as f:
        return f.read()


defs = json.loads(read(SCHEMA))['$defs']


def at(pointer):
    """The part of the schema at @pointer, below $defs; None if it is not there."""
    part = defs
    for step in pointer.split('/'):
        part = part[int(step)] if isinstance(part, list) else part.get(step)
        if part is None:
            return None
    return part


def is_type(value, name):
    return isinstance(value, TYPES[name]) and (name == 'boolean') == isinstance(value, bool)


def wrong(value, schema, where):
    """What is wrong with @value, one line each. Marks the properties that it has."""
    if '$ref' in schema:
        yield from wrong(value, at(schema['$ref'].removeprefix('#/$defs/')), where)
        return
    if 'anyOf' in schema:
        tries = [list(wrong(value, s, where)) for s in schema['anyOf']]
        yield from min(tries, key=len)
        return
    names = schema.get('type', [])
    names = [names] if isinstance(names, str) else names
    if names and not any(is_type(value, n) for n in names):
        yield f'{where}: {json.dumps(value)[:40]} is no {" or ".join(names)}'
    elif 'enum' in schema and value not in schema['enum'] or \
            'const' in schema and value != schema['const']:
        yield f'{where}: {value} is not one of the words'
    elif isinstance(value, str) and not re.search(schema.get('pattern', ''), value):
        yield f'{where}: {value} has not the form {schema["pattern"]}'
    elif 'minimum' in schema and value is not None and value < schema['minimum']:
        yield f'{where}: {value} is below {schema["minimum"]}'
    elif isinstance(value, dict):
        yield from wrong_object(value, schema, where)
    elif isinstance(value, list):
        for item in value:
            yield from wrong(item, schema.get('items', {}), f'{where}[]')


def wrong_object(value, schema, where):
    properties = schema.get('properties', {})
    for key in schema.get('required', []):
        if key not in value:
            yield f'{where}: no "{key}"'
    for key, inner in value.items():
        if key not in properties:
            yield f'{where}: the schema does not have "{key}"'
            continue
        seen.add(id(properties[key]))
        yield from wrong(inner, properties[key], f'{where}.{key}')


def inner_schemas(schema):
    return schema.get('anyOf', []) + ([schema['items']] if 'items' in schema else [])


def check_form(schema, where, used):
    """The schema is one that this test understands; collects the definitions in use."""
    for word in set(schema) - KEYWORDS:
        expect(False, f'{where}: this test does not know "{word}"')
    if '$ref' in schema:
        target = schema['$ref'].removeprefix('#/$defs/')
        expect(at(target) is not None, f'{where}: {schema["$ref"]} is not there')
        used.add(target.split('/')[0])
    properties = schema.get('properties', {})
    for key in set(schema.get('required', [])) - set(properties):
        expect(False, f'{where}: "{key}" is required and not there')
    for key, inner in properties.items():
        check_form(inner, f'{where}.{key}', used)
    for inner in inner_schemas(schema):
        check_form(inner, where, used)


def keys(schema, foreign):
    """All keys below @schema; with @foreign also those that another verb explains."""
    found = set()
    target = schema.get('$ref', '').removeprefix('#/$defs/')
    if target and foreign:
        found |= keys(at(target), foreign)
    for key, inner in schema.get('properties', {}).items():
        found |= {key} | keys(inner, foreign)
    for inner in inner_schemas(schema):
        found |= keys(inner, foreign)
    return found


def man_keys():
    """The words that the man page marks as literal below each verb of its section JSON."""
    section = re.search(r'^\.Ss JSON\n(.*?)^\.S[hs] ', read(PAGE), re.S | re.M)[1]
    words = {}
    for verb, text in re.findall(r'^\.It Cm ([a-z ]+)\n(.*?)(?=^\.It |\Z)', section,
                                 re.S | re.M):
        found = set()
        for line in re.findall(r'^\.(.*)', text, re.M):
            for run in re.findall(r'\bLi ((?:(?![A-Z][a-z]\b)\S+ ?)+)', line):
                found |= {w for w in run.split() if re.fullmatch(r'[a-z][a-z0-9_]*', w)}
        words[verb] = found
    return words


def check_tables(verbs):
    """The field tables of the reports have the keys and types of the schema."""
    lines = subprocess.run([print_fields], capture_output=True, text=True, check=True).stdout
    declared = set(re.findall(r'(\w+)_report_fields\(', read('daemon/tell/report.h')))
    printed = {line.split()[0] for line in lines.splitlines()}
    expect(declared == printed == set(TABLES),
           f'report.h declares {sorted(declared)}, print_fields has {sorted(printed)}, '
           f'this test {sorted(TABLES)}')
    for line in lines.splitlines():
        report, key, kind = line.split()
        part = at(TABLES[report]) if report in TABLES else None
        for step in key.split('.'):
            required = step in (part or {}).get('required', [])
            part = (part or {}).get('properties', {}).get(step)
            expect(part is None or required, f'{SCHEMA}: {report}: {key} is not required')
        if part is None:
            expect(False, f'{SCHEMA}: {report}: no {key}')
            continue
        seen.add(id(part))
        expect(part.get('$ref') == f'#/$defs/{kind}', f'{SCHEMA}: {report}: {key} is a {kind}')
    expect(len(verbs) > 5, '--help: cannot be read by this test')


def arguments(code, start):
    """The arguments of the call whose parenthesis ends before @start, as they are written."""
    found, depth = [''], 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/|.', code[start:], re.S):
        text = token[0]
        depth += (text in '([{') - (text in ')]}')
        if depth < 0:
            break
        if text == ',' and depth == 0:
            found.append('')
        elif not text.startswith('/*'):
            found[-1] += text
    return [re.sub(r'"\s*"', '', a.strip()) for a in found]


def packed_keys(form, values):
    """The keys of json_pack(@form, @values...) that are literals."""
    outer, key = [], False
    for letter in re.sub(r'[^\[{\]}a-zA-Z]', '', form):
        if letter in '[{':
            outer.append(letter)
            key = letter == '{'
            continue
        if letter in ']}':
            outer.pop()
        else:
            value = '' if letter == 'n' else values.pop(0)
            if key and value.startswith('"'):
                yield value.strip('"')
        key = not key and outer[-1:] == ['{']


def check_sources():
    """What a verb packs itself is in the schema, also where no golden file comes by."""
    known = set().union(*(keys(schema, True) for schema in defs.values()))
    number = 0
    for folder, _, names in os.walk(os.path.join(root, 'ctl')):
        for name in sorted(n for n in names if n.endswith('.c')):
            path = os.path.relpath(os.path.join(folder, name), root)
            code = read(path)
            for call in re.finditer(r'\bjson_(pack|object_set(?:_new)?)\(', code):
                form, *rest = arguments(code, call.end())
                found = packed_keys(form, rest) if call[1] == 'pack' else \
                    [rest[0].strip('"')] if rest[0].startswith('"') else []
                for key in found:
                    number += 1
                    expect(key in known, f'{path}: the schema does not have "{key}"')
    expect(number > 50, 'ctl: the calls of json_pack cannot be read by this test')


def values(text):
    """The JSON values of @text, one after another."""
    decoder, start = json.JSONDecoder(), 0
    text = re.sub(r'@[A-Z]+@,?\n', lambda m: '0,\n' if ',' in m[0] else '0\n', text).strip()
    while start < len(text):
        value, start = decoder.raw_decode(text, start)
        yield value
        start += len(text[start:]) - len(text[start:].lstrip())


def check_output(name, verb, text, printed):
    for value in values(text):
        printed.add(verb)
        found = list(wrong(value, defs.get(verb.replace(' ', '-'), {}), verb))
        for line in found:
            expect(False, f'{name}: {line}')
        if jsonschema and not found:
            check_by_others(name, verb.replace(' ', '-'), value)


def check_by_others(name, definition, value):
    """What a user's validator says, which reads the file by the standard."""
    schema = {'$ref': f'#/$defs/{definition}', '$defs': defs}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        expect(False, f'{name}: jsonschema: {error.json_path}: {error.message[:80]}')


def check_golden(verbs):
    """What the verbs print is what the schema says. Returns the verbs that print."""
    printed = set()
    folder = os.path.join(root, 'tests/cli/golden')
    for name in sorted(n for n in os.listdir(folder) if n.endswith('.txt')):
        text = read(f'tests/cli/golden/{name}')
        command = text.split('\n', 1)[0]
        output = text.split('--- stdout\n', 1)[1].rsplit('--- stderr\n', 1)[0]
        if ' --json' not in command or not output.strip():
            continue
        named = [v for v in verbs if f' {v} ' in f'{command} ']
        check_output(name, max(named, key=len, default='status'), output, printed)
    # No golden file: it says too much about the machine on which it runs.
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run([ctl, 'check', '--json'], capture_output=True, text=True,
                              check=False, env={**os.environ, **nowhere(empty)})
    check_output('check --json', 'check', done.stdout, printed)
    return printed


def nowhere(folder):
    """An environment in which there is neither daemon nor hardware."""
    return {'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent',
            'SOFTOFFLINECTL_SYSROOT': folder}


def check_unused(schema, where):
    """No output has them, so nothing says that the code has them."""
    for key, inner in schema.get('properties', {}).items():
        expect(id(inner) in seen, f'{SCHEMA}: {where}: no output has "{key}"')
        check_unused(inner, f'{where}.{key}')
    for inner in inner_schemas(schema):
        check_unused(inner, where)


def check_metaschema():
    if not jsonschema:
        print('notice: no python3-jsonschema: the form of the schema is not checked')
        return
    try:
        jsonschema.Draft202012Validator.check_schema(json.loads(read(SCHEMA)))
    except jsonschema.SchemaError as error:
        expect(False, f'{SCHEMA}: {error.message}')


def main():
    listing = subprocess.run([ctl, '--help'], capture_output=True, text=True,
                             check=True).stdout.split('Verbs:')[1].split('Options:')[0]
    verbs = re.findall(r'^  ([a-z]+(?: [a-z]+)?) ', listing, re.M)
    used = {v.replace(' ', '-') for v in verbs}
    used |= {pointer.split('/')[0] for pointer in TABLES.values()}
    for name, schema in defs.items():
        check_form(schema, name, used)
    for name in set(defs) - used:
        expect(False, f'{SCHEMA}: {name} is no verb, and nothing refers to it')
    check_metaschema()
    check_tables(verbs)
    check_sources()
    printed = check_golden(verbs)
    words = man_keys()
    for verb in verbs:
        schema = defs.get(verb.replace(' ', '-'))
        if schema is None:
            expect(False, f'{SCHEMA}: no verb "{verb}"')
            continue
        own, all_keys = keys(schema, False), keys(schema, True)
        for key in sorted(own - words.get(verb, set())):
            expect(False, f'{PAGE}, JSON: {verb}: does not explain "{key}"')
        for key in sorted(words.get(verb, set()) - all_keys):
            expect(False, f'{PAGE}, JSON: {verb}: "{key}" is not in the schema')
        expect(verb in printed or verb in ELSEWHERE, f'tests/cli/golden: no {verb} --json')
        if verb in printed:
            check_unused(schema, verb)
    for finding in findings:
        print(finding)
    print(f'{len(verbs)} verbs, {len(seen)} keys')
    return 1 if findings else 0


sys.exit(main())
