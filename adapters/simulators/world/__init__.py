"""The world outside the hub for a simulated year: people, the register, laboratories, a colposcopy clinic.

Pure: it knows what befalls people and what is written about them, and nothing of the hub. What the hub makes of it can
so be held against what truly was.
"""
