ATTACH 'visits.csv' AS visits;
