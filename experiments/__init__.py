"""The only room that chooses paths, reads configuration, trains, judges and draws."""
