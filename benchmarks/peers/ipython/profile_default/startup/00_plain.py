"""A kernel whose session was made as Delta's guide makes it, before the notebook asks for one."""

from benchmarks.peers.plain import session

session(for_lessons=True)
