-- What all four banks lost together, and on average per loan: no bank's own sum is seen by another.
SELECT SUM(loss) AS total, AVG(loss) AS mean, COUNT(*) AS loans
FROM bad_loans
REVEAL TO ALL;

-- The same by sector.
SELECT sector, SUM(loss) AS total, AVG(loss) AS mean
FROM bad_loans
GROUP BY sector
ORDER BY sector
REVEAL TO ALL;
