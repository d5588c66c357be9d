"""Named fakes that stand at the seams: a model hub that speaks real HTTP and misbehaves on request."""
