-- Of people born before 1960: which five groups of diagnoses cost most, and how long did they stay?
-- asked by mercy
SELECT i.chapter, COUNT(*) AS visits, SUM(v.cost) AS total_cost,
       AVG(v.discharged - v.admitted) AS mean_days
FROM visits v
JOIN icd10 i ON i.code = v.diagnosis
JOIN patients p ON p.patient_id = v.patient_id
WHERE p.birth_year < 1960
GROUP BY i.chapter
ORDER BY total_cost DESC
LIMIT 5;
