"""Who plays: one small file each, after its paper. An entrant sees a model, its base and public questions, no truth."""
