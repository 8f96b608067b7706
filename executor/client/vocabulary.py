"""The words of tacit's SQL that a person can be offered while typing."""

from __future__ import annotations

KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "OFFSET", "DISTINCT",
    "AS", "AND", "OR", "NOT", "IN", "EXISTS", "BETWEEN", "LIKE", "IS NULL", "IS NOT NULL",
    "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "JOIN", "INNER JOIN", "LEFT JOIN", "CROSS JOIN",
    "ON", "USING", "NATURAL JOIN", "UNION ALL", "WITH", "CASE", "WHEN", "THEN", "ELSE", "END",
    "ASC", "DESC", "NULLS FIRST", "NULLS LAST", "FILTER", "INTERVAL", "DATE", "TIMESTAMP", "NULL",
    "TRUE", "FALSE", "REVEAL TO", "EXPLAIN", "EXPLAIN PRIVACY", "EXPLAIN ANALYZE",
    "EXPLAIN (ROWS", "EXPLAIN (NETWORK", "EXPLAIN (ALTERNATIVES)",
)  # fmt: skip
"""Keywords in the order in which they are offered."""

FUNCTIONS = (
    "COUNT", "SUM", "AVG", "MIN", "MAX", "COALESCE", "NULLIF", "GREATEST", "LEAST", "ABS", "ROUND",
    "FLOOR", "CEIL", "SIGN", "CAST", "EXTRACT", "DATE_TRUNC", "SUBSTRING", "UPPER", "LOWER", "TRIM",
    "LENGTH", "CONCAT",
)  # fmt: skip
"""Functions, aggregates first."""
