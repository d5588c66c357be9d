"""What every room's tests share."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code: no deadline, no "too slow".
# Fewer examples than hypothesis's 100 keep the fast suite fast; tests that need more say so.
settings.register_profile(
    "ingle", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("ingle")

# A run that was started in the background ignores Ctrl-C, and so would every process a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
