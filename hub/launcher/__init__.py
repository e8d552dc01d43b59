"""The one-command set-up (roof): PostgreSQL from a wheel, web, worker, beat, relay and index under one supervisor.

It stands beside the house, not in it: it starts the other processes, speaks to the hub over HTTP only and
imports no other package of the project. A production installation uses docker/ (or its own init system).
"""
