"""The course: exercises whose answers are computed from the published scores, and the board of a class.

``zsnas.course.check("fig06-3", answer)`` says whether an answer is right, or what is off.
"""

from zsnas.course.answers import Feedback, check
from zsnas.course.classroom import board
from zsnas.course.exercises import Exercise, Sheet, exercise, list_exercises, list_sheets, sheet

__all__ = [
    "Exercise",
    "Feedback",
    "Sheet",
    "board",
    "check",
    "exercise",
    "list_exercises",
    "list_sheets",
    "sheet",
]
