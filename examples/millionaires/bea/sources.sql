ATTACH 'fortune.csv' AS bea_fortune;
