-- How many visits were there, and what did one cost on average, by the patient's sex?
SELECT p.sex, COUNT(*) AS visits, AVG(v.cost) AS mean_cost
FROM visits v JOIN patients p ON p.patient_id = v.patient_id
GROUP BY p.sex
ORDER BY p.sex;
