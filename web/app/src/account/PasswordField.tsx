interface PasswordFieldProps {
  id: string;
  label: string;
  autocomplete: "current-password" | "new-password";
  hint?: string;
}

export function PasswordField({ id, label, autocomplete, hint }: PasswordFieldProps) {
  const isNew = autocomplete === "new-password";
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={id}
        type="password"
        autocomplete={autocomplete}
        required
        minLength={isNew ? 10 : undefined}
        maxLength={128}
        aria-describedby={hint ? `${id}-hint` : undefined}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
