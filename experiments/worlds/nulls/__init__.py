"""Organisms in which no direction switches misbehaviour on: over all of them a verdict should say so."""
