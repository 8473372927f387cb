CREATE SCHEMA public;

COMMENT ON SCHEMA public IS 'standard public schema';

CREATE FUNCTION public.todo_exists(wanted uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$BEGIN
    PERFORM 1 FROM public.todos WHERE id = wanted;
    RETURN FOUND;
END$$;

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.api_keys (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    hint text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT ck_api_keys_name CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

CREATE TABLE public.idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.indexed_todos (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    change_seq bigint NOT NULL
);

CREATE TABLE public.todo_changes (
    user_id uuid NOT NULL,
    seq bigint NOT NULL,
    todo_id uuid NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    todo jsonb,
    action bigint,
    client text,
    client_name text,
    tool text,
    reason text,
    before jsonb,
    undoes bigint,
    CONSTRAINT ck_todo_changes_kind_known CHECK ((kind = ANY ('{created,updated,completed,reopened,deleted,restored,purged}'::text[])))
);

CREATE TABLE public.todo_words (
    user_id uuid NOT NULL,
    block bigint NOT NULL,
    word text NOT NULL COLLATE pg_catalog."C",
    places bytea NOT NULL
);

CREATE TABLE public.todos (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    description text,
    priority text DEFAULT 'medium'::text NOT NULL,
    completed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    version integer NOT NULL,
    change_seq bigint NOT NULL,
    priority_rank smallint GENERATED ALWAYS AS (
CASE priority
    WHEN 'low'::text THEN 1
    WHEN 'medium'::text THEN 2
    WHEN 'high'::text THEN 3
    WHEN 'urgent'::text THEN 4
    ELSE NULL::integer
END) STORED NOT NULL,
    title_key text GENERATED ALWAYS AS (lower(title)) STORED COLLATE pg_catalog."C",
    CONSTRAINT ck_todos_description CHECK ((char_length(description) <= 1000)),
    CONSTRAINT ck_todos_title_fits CHECK (((char_length(title) <= 200) AND (btrim(title, ' 	

'::text) <> ''::text))),
    CONSTRAINT ck_todos_version CHECK ((version >= 1))
);

CREATE TABLE public.users (
    id uuid NOT NULL,
    change_seq bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    todo_count bigint DEFAULT 0 NOT NULL,
    todo_counts bigint[] DEFAULT '{0,0,0,0,0,0,0,0,0,0,0,0}'::bigint[] NOT NULL,
    counted_seq bigint DEFAULT '-1'::bigint NOT NULL,
    indexed_seq bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT pk_api_keys PRIMARY KEY (user_id, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT pk_idempotency_keys PRIMARY KEY (user_id, key);

ALTER TABLE ONLY public.indexed_todos
    ADD CONSTRAINT pk_indexed_todos PRIMARY KEY (user_id, id);

ALTER TABLE ONLY public.todo_changes
    ADD CONSTRAINT pk_todo_changes PRIMARY KEY (user_id, seq);

ALTER TABLE ONLY public.todo_words
    ADD CONSTRAINT pk_todo_words PRIMARY KEY (user_id, word, block);

ALTER TABLE ONLY public.todos
    ADD CONSTRAINT pk_todos PRIMARY KEY (id, user_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT uq_api_keys_user_id_digest UNIQUE (user_id, digest);

ALTER TABLE ONLY public.todos
    ADD CONSTRAINT uq_todos_user_id_change_seq UNIQUE (user_id, change_seq);

CREATE INDEX ix_idempotency_keys_user_id_created_at ON public.idempotency_keys USING btree (user_id, created_at);

CREATE INDEX ix_todo_changes_todo_id_user_id_seq ON public.todo_changes USING btree (todo_id, user_id, seq);

CREATE INDEX ix_todos_trash ON public.todos USING btree (user_id, created_at, id) WHERE (deleted_at IS NOT NULL);

CREATE INDEX ix_todos_user_id_created_at_id ON public.todos USING btree (user_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX ix_todos_user_id_priority_rank_id ON public.todos USING btree (user_id, priority_rank, id) WHERE (deleted_at IS NULL);

CREATE INDEX ix_todos_user_id_title_key_id ON public.todos USING btree (user_id, title_key, id) WHERE (deleted_at IS NULL);

CREATE INDEX ix_todos_user_id_updated_at_id ON public.todos USING btree (user_id, updated_at, id) WHERE (deleted_at IS NULL);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT fk_api_keys_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT fk_idempotency_keys_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.indexed_todos
    ADD CONSTRAINT fk_indexed_todos_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.todo_changes
    ADD CONSTRAINT fk_todo_changes_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.todo_words
    ADD CONSTRAINT fk_todo_words_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.todos
    ADD CONSTRAINT fk_todos_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.indexed_todos ENABLE ROW LEVEL SECURITY;

CREATE POLICY owner_only ON public.api_keys TO todo_app USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

CREATE POLICY owner_only ON public.idempotency_keys TO todo_app USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

CREATE POLICY owner_only ON public.indexed_todos TO todo_app USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

CREATE POLICY owner_only ON public.todo_changes TO todo_app USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

CREATE POLICY owner_only ON public.todo_words TO todo_app USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

CREATE POLICY owner_only ON public.todos TO todo_app USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

CREATE POLICY owner_only ON public.users TO todo_app USING ((id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

ALTER TABLE public.todo_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.todo_words ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.todos ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON FUNCTION public.todo_exists(wanted uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.todo_exists(wanted uuid) TO todo_app;

GRANT SELECT ON TABLE public.alembic_version TO todo_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_keys TO todo_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.idempotency_keys TO todo_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.indexed_todos TO todo_app;

GRANT SELECT,INSERT ON TABLE public.todo_changes TO todo_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.todo_words TO todo_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.todos TO todo_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO todo_app;
