-- What the two hospitals and the registry have agreed on: the tables, who owns them, and what is
-- publicly known about their columns. No data.

CREATE TABLE patients (
    patient_id  INTEGER     CHECK (patient_id BETWEEN 1 AND 9999) PRIMARY KEY,
    birth_year  SMALLINT    CHECK (birth_year BETWEEN 1900 AND 2030) NOT NULL,
    sex         VARCHAR(1)  CHECK (sex IN ('F', 'M', 'X')) NOT NULL,
    region      VARCHAR(6)  CHECK (region IN ('centre', 'east', 'north', 'south', 'west')) NOT NULL,
    deprivation TINYINT     CHECK (deprivation BETWEEN 1 AND 5)  -- fifths; 5: most deprived
) OWNED BY registry ROWS 2500;

CREATE TABLE deaths (
    patient_id  INTEGER     CHECK (patient_id BETWEEN 1 AND 9999) PRIMARY KEY REFERENCES patients,
    died        DATE        CHECK (died BETWEEN DATE '2022-01-01' AND DATE '2025-12-31') NOT NULL
) OWNED BY registry ROWS 300;

-- Each hospital holds a part. Some of their patients come from elsewhere: the registry has no row.
CREATE TABLE visits (
    patient_id  INTEGER     CHECK (patient_id BETWEEN 1 AND 9999) NOT NULL,
    admitted    DATE        CHECK (admitted BETWEEN DATE '2022-01-01' AND DATE '2024-12-31') NOT NULL,
    discharged  DATE        CHECK (discharged BETWEEN DATE '2022-01-01' AND DATE '2025-12-31'),
    ward        VARCHAR(10) CHECK (ward IN ('cardiology', 'emergency', 'maternity', 'medicine',
                                            'oncology', 'surgery')) NOT NULL,
    diagnosis   VARCHAR(5),
    emergency   BOOLEAN     NOT NULL,
    cost        DECIMAL(8,2) CHECK (cost BETWEEN 0 AND 99999.99) NOT NULL
) OWNED BY mercy, grace ROWS 2000;

CREATE PUBLIC TABLE icd10 (
    code        VARCHAR(5)  PRIMARY KEY,
    chapter     VARCHAR(14) CHECK (chapter IN ('births', 'circulation', 'digestion', 'infections',
                                               'injuries', 'metabolism', 'neoplasms',
                                               'respiration')) NOT NULL,
    description VARCHAR(60) NOT NULL
) FROM 'icd10.csv' ROWS 24;
