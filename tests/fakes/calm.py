"""Hypothesis settings for machines that are busy with other things: no deadlines, few examples."""

from hypothesis import HealthCheck, settings

CALM = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
