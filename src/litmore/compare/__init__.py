"""A wing: runs beside each other, by what they were told and what came of it."""
