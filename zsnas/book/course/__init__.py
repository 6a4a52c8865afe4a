"""The pages and files of the course, in two editions: for students, and for instructors with solutions."""

from zsnas.book.course.editions import exercises, exercises_notebook, lab_notebook, sheet_table
from zsnas.book.course.notes import exam, measured
from zsnas.book.course.questions import exercises_of, questions, with_links
from zsnas.book.course.quiz import Question, question
from zsnas.book.course.slides import deck

__all__ = [
    "Question",
    "deck",
    "exam",
    "exercises",
    "exercises_notebook",
    "exercises_of",
    "lab_notebook",
    "measured",
    "question",
    "questions",
    "sheet_table",
    "with_links",
]
