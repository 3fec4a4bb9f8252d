"""The entrants, one small file each, after their papers. They see a model, its base and public questions only."""
