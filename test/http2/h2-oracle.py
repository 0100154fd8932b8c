"""Python's h2 as a server: a line of hex pieces a connection on standard input, a line of JSON of what it made of each."""

import json
import sys
from copy import deepcopy

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, TrailersReceived
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes


def flat(headers):
    return [text.decode('latin1') for field in headers for text in field]


def run(chunks):
    requests = {}
    connection = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    connection.local_settings.update({SettingCodes.MAX_HEADER_LIST_SIZE: 65536})
    connection.initiate_connection()
    sent = connection.data_to_send()
    reason = ''
    outcomes = []
    for chunk in chunks:
        if reason:
            outcomes.append(outcomes[-1])
            continue
        try:
            events = connection.receive_data(bytes.fromhex(chunk))
        except ProtocolError as error:
            reason = f'{type(error).__name__}: {error}'
            events = []
        except Exception as error:
            reason = f'crash {type(error).__name__}: {error}'
            events = []
        for event in events:
            if isinstance(event, RequestReceived):
                fields = flat(event.headers)
                requests[event.stream_id] = {'fields': fields, 'body': '', 'trailers': [], 'whole': False}
            elif isinstance(event, DataReceived):
                requests[event.stream_id]['body'] += event.data.decode('latin1')
                try:
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                except ProtocolError:
                    pass
            elif isinstance(event, TrailersReceived):
                requests[event.stream_id]['trailers'] = flat(event.headers)
            elif isinstance(event, StreamEnded):
                requests[event.stream_id]['whole'] = True
                try:
                    connection.send_headers(event.stream_id, [(':status', '200')], end_stream=True)
                except ProtocolError:
                    pass
        sent += connection.data_to_send()
        outcomes.append({'requests': deepcopy(requests), 'sent': sent.hex(), 'reason': reason})
    return outcomes


for line in sys.stdin:
    print(json.dumps(run(line.split())), flush=True)
