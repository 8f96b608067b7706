-- How many of those discharged from each ward died within thirty days? All three parties get to
-- know.
SELECT v.ward, COUNT(*) AS discharged,
       COUNT(*) FILTER (WHERE d.died <= v.discharged + INTERVAL '30' DAY) AS died_soon
FROM visits v LEFT JOIN deaths d ON d.patient_id = v.patient_id
WHERE v.discharged IS NOT NULL
GROUP BY v.ward
ORDER BY v.ward
REVEAL TO ALL;
