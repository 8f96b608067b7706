-- Where do emergencies come from? Regions by deprivation, but no group of fewer than 40 visits.
-- asked by registry
SELECT p.region, p.deprivation, COUNT(*) AS emergencies, SUM(v.cost) AS total_cost
FROM visits v, patients p
WHERE v.patient_id = p.patient_id
  AND v.emergency
  AND p.deprivation IS NOT NULL
GROUP BY p.region, p.deprivation
HAVING COUNT(*) >= 40
ORDER BY emergencies DESC, p.region, p.deprivation;
