"""The endpoints: python -m uvicorn benchmarks.peer.app:app."""

import uuid
from typing import Any

from fastapi import FastAPI, HTTPException
from sqlmodel import col, func, select

from benchmarks.peer.deps import CurrentUser, SessionDep
from benchmarks.peer.models import Todo, TodoCreate, TodoPublic, TodosPublic, TodoUpdate, get_datetime_utc

app = FastAPI()


@app.get("/api/todos", response_model=TodosPublic)
def read_todos(session: SessionDep, current_user: CurrentUser, skip: int = 0, limit: int = 100) -> Any:
    count_statement = select(func.count()).select_from(Todo).where(Todo.owner_id == current_user.id)
    count = session.exec(count_statement).one()
    statement = (
        select(Todo)
        .where(Todo.owner_id == current_user.id)
        .order_by(col(Todo.created_at).desc())
        .offset(skip)
        .limit(limit)
    )
    todos = session.exec(statement).all()
    return TodosPublic(data=[TodoPublic.model_validate(todo) for todo in todos], count=count)


@app.get("/api/todos/{todo_id}", response_model=TodoPublic)
def read_todo(session: SessionDep, current_user: CurrentUser, todo_id: uuid.UUID) -> Any:
    return _owned(session, current_user, todo_id)


@app.post("/api/todos", response_model=TodoPublic)
def create_todo(*, session: SessionDep, current_user: CurrentUser, todo_in: TodoCreate) -> Any:
    todo = Todo.model_validate(todo_in, update={"owner_id": current_user.id})
    session.add(todo)
    session.commit()
    session.refresh(todo)
    return todo


@app.patch("/api/todos/{todo_id}", response_model=TodoPublic)
def update_todo(
    *, session: SessionDep, current_user: CurrentUser, todo_id: uuid.UUID, todo_in: TodoUpdate
) -> Any:
    return _changed(session, _owned(session, current_user, todo_id), todo_in.model_dump(exclude_unset=True))


@app.patch("/api/todos/{todo_id}/complete", response_model=TodoPublic)
def complete_todo(session: SessionDep, current_user: CurrentUser, todo_id: uuid.UUID) -> Any:
    done = {"is_completed": True, "completed_at": get_datetime_utc()}
    return _changed(session, _owned(session, current_user, todo_id), done)


@app.patch("/api/todos/{todo_id}/reopen", response_model=TodoPublic)
def reopen_todo(session: SessionDep, current_user: CurrentUser, todo_id: uuid.UUID) -> Any:
    undone = {"is_completed": False, "completed_at": None}
    return _changed(session, _owned(session, current_user, todo_id), undone)


def _owned(session: SessionDep, current_user: CurrentUser, todo_id: uuid.UUID) -> Todo:
    todo = session.get(Todo, todo_id)
    if not todo:
        raise HTTPException(status_code=404, detail="Todo not found")
    if todo.owner_id != current_user.id:
        raise HTTPException(status_code=403, detail="Not enough permissions")
    return todo


def _changed(session: SessionDep, todo: Todo, changes: dict[str, Any]) -> Todo:
    todo.sqlmodel_update({**changes, "updated_at": get_datetime_utc()})
    session.add(todo)
    session.commit()
    session.refresh(todo)
    return todo
