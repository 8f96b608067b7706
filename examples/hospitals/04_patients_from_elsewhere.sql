-- How many visits and how many patients does each region account for? The last line (no region) is
-- of people whom the registry does not know.
SELECT p.region, COUNT(*) AS visits, COUNT(DISTINCT v.patient_id) AS patients,
       MAX(v.cost) AS dearest
FROM visits v LEFT JOIN patients p ON p.patient_id = v.patient_id
GROUP BY p.region
ORDER BY p.region NULLS LAST;
