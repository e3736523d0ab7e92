"""Models of mail clients: what each asks for, and what it would make of an answer.

They are written from what is known of the clients, not from what the server means to say, so that
they can be its judges. Where nothing is known of a client it is modelled as the plainest reader.
"""
