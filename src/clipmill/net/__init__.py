"""The network, for every part that fetches something: one session, one way of asking again.

`errors`, `offline`, `progress` and `retry` import nothing heavy; `http` and `hub` load the client.
"""
