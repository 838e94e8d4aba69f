"""Respond: scored candidates become a slate: what may be shown, what the user is tired of, who chooses.

Does not know how candidates were found or scored, nor that slates are logged.
"""
