"""Lets the tests of this folder import what all tests share."""
