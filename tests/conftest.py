"""Fixtures every room shares: a private home, a private cache, and the starter once for all tests."""
