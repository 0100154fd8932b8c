"""Serves certomancer's responders with times of whole seconds (RFC 6960 has no others); under /fractions with its own."""

import sys
from datetime import datetime, timezone

from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import CertomancerConfig
from werkzeug.serving import run_simple

config, keys, port = sys.argv[1:4]
animator = Animator(
    AnimatorArchStore(CertomancerConfig.from_file(config, key_search_dir=keys).pki_archs),
    with_web_ui=False,
)


def app(environ, start_response):
    path = environ['PATH_INFO']
    if path.startswith('/fractions'):
        environ['PATH_INFO'] = path[len('/fractions') :]
    else:
        now = datetime.now(timezone.utc).replace(microsecond=0)
        environ['HTTP_X_CERTOMANCER_FAKE_TIME'] = now.isoformat()
    return animator(environ, start_response)


run_simple('127.0.0.1', int(port), app)
