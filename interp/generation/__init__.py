"""Sample answers, with or without interventions."""
