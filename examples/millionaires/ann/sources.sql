ATTACH 'fortune.csv' AS ann_fortune;
