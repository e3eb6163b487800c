"""The published language of Zorgstroom: values, events, envelopes, topics, errors.

Everything that crosses a process is defined here. This room imports nothing of the other rooms.
"""
