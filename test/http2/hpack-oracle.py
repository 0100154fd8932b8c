"""Python's hpack: a line of JSON a connection on standard input, with blocks to read and field lists to write."""

import json
import sys

from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError


def read(blocks):
    decoder = Decoder()
    lists = []
    for block in blocks:
        try:
            fields = decoder.decode(bytes.fromhex(block), raw=True)
        except HPACKError as error:
            lists.append(f'{type(error).__name__}: {error}')
            break
        lists.append([text.decode('latin1') for field in fields for text in field])
    return lists


def write(steps):
    encoder = Encoder()
    blocks = []
    for step in steps:
        for size in step['sizes']:
            encoder.header_table_size = size
        texts = [text.encode('latin1') for text in step['fields']]
        blocks.append(encoder.encode(list(zip(texts[::2], texts[1::2])), huffman=step['huffman']).hex())
    return blocks


for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps({'lists': read(case['blocks']), 'blocks': write(case['steps'])}), flush=True)
