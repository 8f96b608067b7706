-- How many of mercy's patients were also seen at grace? Both hospitals get to know, the registry
-- does not.
SELECT COUNT(DISTINCT m.patient_id) AS patients, COUNT(*) AS visits_at_mercy
FROM mercy.visits m
WHERE EXISTS (SELECT * FROM grace.visits g WHERE g.patient_id = m.patient_id)
REVEAL TO mercy, grace;
