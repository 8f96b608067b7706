-- Four banks, each with its own loans that went bad last year. Nobody shows its book.
CREATE TABLE bad_loans (
    sector VARCHAR CHECK (sector IN ('farming', 'housing', 'retail', 'shipping')) NOT NULL,
    loss   DECIMAL(12,2) CHECK (loss BETWEEN 0 AND 1000000000) NOT NULL
) OWNED BY north, south, east, west ROWS 1000;
