#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What each verb prints with --json, asked of the real daemon, is what the JSON Schema says, and
no key more. tests/cli/schema.py does the same for the golden files."""

import json

import host
import ring

FAILED, WATCHED = 0x12345000, 0x32345000
CALLS = [('status',), ('pages',), ('dimms',), ('history',), ('show', hex(FAILED)),
         ('show', hex(WATCHED)), ('export',), ('check',), ('probe', '--as=nagios'), ('reload',),
         ('policy', 'show'), ('policy', 'verify'), ('offline', hex(WATCHED)),
         ('forget', hex(WATCHED))]


def closed(schema):
    """@schema without room for keys that it does not name."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(inner) for key, inner in schema.items()}
    if isinstance(made.get('properties'), dict) and made.get('type') == 'object':
        made['additionalProperties'] = False
    return made


def values(text):
    decoder = json.JSONDecoder()
    while text.strip():
        value, end = decoder.raw_decode(text.strip())
        text = text.strip()[end:]
        yield value


def main():
    try:
        import jsonschema
    except ImportError:
        host.skip('no python3-jsonschema')
    host.isolate()
    path = host.ROOT / 'ctl/softofflinectl.schema.json'
    defs = closed(json.loads(path.read_text(encoding='utf-8'))['$defs'])
    with host.Host() as h:
        h.start()
        h.emit([FAILED] * 2)
        h.until(h.attempts, 'an attempt')
        h.emit([WATCHED])
        h.emit([3 * FAILED], error_type=ring.UNCORRECTED)
        h.until(lambda: h.status()['counters']['uncorrected_errors'], 'the errors')
        h.until(lambda: h.ctl('export', '--db', str(h.db)).stdout.count('\n') > 3,
                'the errors in the database')
        for words in CALLS:
            name = '-'.join(words[:2]) if words[0] == 'policy' else words[0]
            validator = jsonschema.Draft202012Validator({'$ref': f'#/$defs/{name}', '$defs': defs})
            more = ['--db', str(h.db)] if words == ('export',) else []
            found = list(values(h.ctl(*words, *more, '--json').stdout))
            assert found, words
            for value in found:
                for error in validator.iter_errors(value):
                    raise AssertionError(f'{words}: {error.json_path}: {error.message}')
            if words == ('show', hex(WATCHED)):
                assert found[0]['outlook']['cell_threshold'] == '2 / 90d', found
                assert found[0]['outlook']['neighbour_rule'] is False, found
    print(f'{len(CALLS)} calls')


main()
