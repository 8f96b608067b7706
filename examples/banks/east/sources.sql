ATTACH 'bad_loans.csv' AS bad_loans;
