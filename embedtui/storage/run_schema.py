"""The tables of a run file, and what marks a database as one."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x656D6264
"""“embd”: marks the database as ours, see PRAGMA application_id."""
FORMAT = 2
"""Names of tables, columns and stored keys stay as they are: another would be another format."""

SCHEMA = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE texts (row INTEGER PRIMARY KEY, id BLOB NOT NULL, text BLOB NOT NULL);
CREATE TABLE settings (
    number INTEGER PRIMARY KEY, in_force TEXT, warm INTEGER, prepared TEXT,
    status TEXT, reason TEXT, log BLOB
);
CREATE TABLE batches (
    number INTEGER PRIMARY KEY, setting INTEGER NOT NULL, batch_size INTEGER NOT NULL,
    draw TEXT NOT NULL, start INTEGER NOT NULL, rows BLOB NOT NULL, vectors BLOB NOT NULL,
    steps TEXT NOT NULL, seconds REAL NOT NULL, kept TEXT, told_steps INTEGER
);
CREATE TABLE truth (
    row INTEGER PRIMARY KEY, tokens INTEGER NOT NULL, vector BLOB NOT NULL, cached INTEGER NOT NULL
);
"""
LAYERS = """
CREATE TABLE IF NOT EXISTS layers (
    number INTEGER PRIMARY KEY, setting INTEGER NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,
    figures BLOB NOT NULL
);
"""
"""Files from before layers were looked into have no such table."""


LATER = {"kept": "TEXT", "told_steps": "INTEGER"}
"""Columns of batches that came later: parts of batches in recordings, steps that servers tell."""


def has_column(database: sqlite3.Connection, name: str) -> bool:
    """Say whether batches have a column; files from before there were such lack the later ones."""
    return any(column[1] == name for column in database.execute("PRAGMA table_info(batches)"))
