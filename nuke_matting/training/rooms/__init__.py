"""Synthetic backgrounds without people: rooms, streets, gardens and piles, with things that are nearly people in them.

Needs `moderngl`; with the people's assets there are statues, mannequins, coats, posters and real skies as well.
"""
