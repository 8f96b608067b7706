"""`tacit demo` asks every question of the example and says who learnt what."""

from tacit.cli import main
from tacit.executor.client.commands_demo import condensed, read_question
from tacit.executor.client.opening import example_directory


def test_the_demo_answers_every_question(capfd):
    assert main(["demo"]) == 0
    shown = capfd.readouterr().out
    questions = [path for path in example_directory().glob("*.sql") if path.stem != "catalog"]
    assert f"== Question {len(questions)} of {len(questions)}" in shown
    assert shown.count("What each party gave and learnt:") == len(questions)
    assert "mercy: shares 2 columns, padded to 2,000 rows; learns nothing of the result" in shown
    assert "registry: gives no data; learns nothing of the result" in shown


def test_a_question_is_its_comment_its_asker_and_its_sql(tmp_path):
    path = tmp_path / "question.sql"
    path.write_text("-- How many,\n-- and why?\n-- asked by mercy\n\nSELECT 1\n-- not words\n;\n")
    question = read_question(path)
    assert question.words == "How many,\nand why?"
    assert question.asker == "mercy"
    assert question.sql == "SELECT 1\n-- not words\n;"


def test_a_privacy_account_shrinks_to_a_line_for_each_party():
    privacy = (
        "Every party learns\n  - the SQL text\n\n"
        "mercy (asks)\n  - runs alone: SELECT 1\n"
        "  - shares 1 column of it, padded to 7 rows; how many are real stays its own\n"
        "  - receives the result: n, and so the number of its rows\n"
        "  - receives the rows in a uniformly random order\n\n"
        "grace\n  - gives no data\n  - learns nothing of the result, not even how many rows\n\n"
        "Nobody learns anything else"
    )
    assert condensed(privacy) == (
        "mercy (asks): shares 1 column, padded to 7 rows; receives the result: n\n"
        "grace: gives no data; learns nothing of the result"
    )
